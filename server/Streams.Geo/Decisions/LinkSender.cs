using Streams.Core;

namespace Streams.Geo;

/// <summary>What a sender is told at its birth.</summary>
/// <param name="Target">Whom it means to reach.</param>
/// <param name="SliceBytes">How much is read of a lane before the next one has its turn.</param>
/// <param name="StateChunkBytes">How much state goes into one frame.</param>
/// <param name="Probe">Only ask whether the receiver holds more of the own lanes (before the first event is taken, rule R14).</param>
/// <param name="RepairMs">After how many milliseconds the receiver is asked again for what is damaged here and it did not have.</param>
internal sealed record LinkSenderSettings(ClusterName Target, int SliceBytes = 256 << 10, int StateChunkBytes = 64 << 10,
    bool Probe = false, int RepairMs = 60_000);

/// <summary>The sending side of a link: which entries of which lanes go out, from where on, and which do not (rules R1, R12, R13,
/// R16).</summary>
/// <remarks>Begins with <see cref="HelloFrame"/>; lists its lanes; begins each where the receiver wants it. Positions live in flat
/// arrays.</remarks>
internal sealed partial class LinkSender : ILinkMachine
{
    private readonly LinkSenderSettings _settings;
    private readonly ILaneHeads _store;
    private readonly IReachable _reach;
    private readonly OfferRule _rule;
    private readonly SenderMemory _memory;
    private readonly Queue<LinkAction> _out = new();
    private readonly FetchServing _serving;
    private readonly DamageAsking _damage;
    private LaneTable<SentLane> _lanes;
    private Phase _phase = Phase.Greeting;
    private Origin _peer;
    private int _declared;
    private int _reachSent;

    /// <param name="settings">The settings.</param>
    /// <param name="store">What is held here.</param>
    /// <param name="reach">The clusters whose lanes come here.</param>
    /// <param name="rule">Which entries are offered.</param>
    /// <param name="memory">What was kept of earlier sessions with the same target; no other session may use it.</param>
    public LinkSender(LinkSenderSettings settings, ILaneHeads store, IReachable reach, OfferRule? rule = null, SenderMemory? memory = null)
    {
        _rule = rule ?? Offering.IsOffered;
        _settings = settings;
        _store = store;
        _reach = reach;
        _memory = memory ?? new SenderMemory(1);
        _lanes = _memory.Lanes;
        _serving = new FetchServing(store, settings.SliceBytes);
        _damage = new DamageAsking(store, settings.SliceBytes, TimeSpan.FromMilliseconds(settings.RepairMs),
            range => Lacked?.Invoke(_peer.Cluster, range));
        Self = store.Origin;
        Send(new HelloFrame(LinkLimits.ProtocolVersion, Self, settings.Target, settings.Probe));
    }

    private enum Phase
    {
        Greeting,
        Listing,
        Running,
        Closed,
    }

    /// <summary>Under which origin this session was begun; when the store's is another, the session ends (rule R12).</summary>
    public Origin Self { get; }

    public Origin? Peer => _phase == Phase.Greeting ? null : _peer;

    public int MaxBodyBytes => _phase == Phase.Greeting ? LinkLimits.MaxGreetingBytes : LinkLimits.MaxBodyBytes;

    /// <summary>Whether the lists are answered and entries flow.</summary>
    public bool IsRunning => _phase == Phase.Running;

    /// <summary>Whether the receiver holds, flushed, all that was announced to it, whichever link brought it.</summary>
    public bool IsLevel => IsRunning && _headsSent && _level == _memory.HeadsSequence && _dirty.Count == 0 && _declared == _lanes.Count
        && _lagEvents == 0 && _inFlight.Count == 0 && !_stateActive && !_stateWanted;

    /// <summary>Whether the receiver knew the list from an earlier session, and was told only what is new.</summary>
    public bool IsResumed { get; private set; }

    /// <summary>For a probe: whether the receiver holds more of the own current lanes, or knows of a later incarnation.</summary>
    public bool? ProbeAnswer { get; private set; }

    public bool TryNext(out LinkAction? action)
    {
        if (_phase is Phase.Listing or Phase.Running && _store.Origin != Self)
        {
            Close("this cluster has opened a new incarnation; its links begin again", fault: false);
        }

        action = _out.Count > 0 ? _out.Dequeue()
            : _phase == Phase.Listing ? NextOfListing()
            : _phase == Phase.Running ? NextOfRunning()
            : null;
        return action is not null;
    }

    public void Receive(LinkFrame frame)
    {
        if (_out.Count > LinkLimits.MaxWaiting)
        {
            Close("protocol: asks, but does not listen", fault: true);
        }

        switch (frame)
        {
            case PingFrame when _phase != Phase.Closed:
                Send(new PongFrame());
                break;
            case PongFrame:
                break;
            case WelcomeFrame welcome when _phase == Phase.Greeting:
                OnWelcome(welcome);
                break;
            case RefusedFrame refused when _phase == Phase.Greeting:
                Close($"{_settings.Target} refuses the link: {refused.Reason}", fault: true);
                break;
            case HoldsFrame holds when _phase == Phase.Listing:
                OnHolds(holds);
                break;
            case AckFrame ack when _phase == Phase.Running:
                OnAck(ack);
                break;
            case FeedFrame feed when _phase == Phase.Running:
                OnFeed(feed);
                break;
            case AskFrame ask when _phase == Phase.Running && ask.Number < _declared:
                OnAsk(ask);
                break;
            case LaneRefusedFrame refused when _phase == Phase.Running && refused.Number < _declared:
                OnLaneRefused(refused);
                break;
            case FetchFrame fetch when _phase == Phase.Running && _serving.TryTake(fetch):
                break;
            case FetchEntryFrame fetched when _phase == Phase.Running && (_fetching || _damage.OnEntry(fetched.Entry)):
                if (_fetching)
                {
                    OnFetchEntry(fetched);
                }

                break;
            case FetchEndFrame end when _phase == Phase.Running && (_fetching || _damage.IsAsking):
                OnFetchEnd(end);
                break;
            default:
                if (_phase != Phase.Closed)
                {
                    Close($"protocol: {frame.Type} is not expected while {_phase}", fault: true);
                }

                break;
        }
    }

    public void OnRefused(IngestEntries request, string reason)
    {
        if (request.Number == DamageAsking.Number)
        {
            _damage.OnStored(isTaken: false);
        }
        else
        {
            EndFetch(request.Lane, reason);
        }
    }

    public void OnJoined(JoinState request)
    {
    }

    public void Tick(TimeSpan now)
    {
        if (_phase == Phase.Running && !_settings.Probe)
        {
            _damage.Tick(now);
            _now = now;
            while (_damaged.TryPeek(out (int Lane, TimeSpan At) next) && next.At <= now)
            {
                _damaged.Dequeue();
                MarkReady(next.Lane);
            }
        }
    }

    public void End()
    {
    }

    private void Send(LinkFrame frame) => _out.Enqueue(new SendFrame(frame));

    private void Close(string reason, bool fault)
    {
        if (_phase != Phase.Closed)
        {
            _phase = Phase.Closed;
            _out.Enqueue(new HangUp(reason, fault));
        }
    }
}
