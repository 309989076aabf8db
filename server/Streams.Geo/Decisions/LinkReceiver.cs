using Streams.Core;

namespace Streams.Geo;

/// <summary>What a receiver is told at its birth.</summary>
/// <param name="CreditBytes">How much the sender may have under way: bounds the memory of the link.</param>
/// <param name="SliceBytes">Most bytes given in one answer to a fetch.</param>
/// <param name="FeedPatienceMs">For how long a link that feeds a lane may lag behind what another one announced, in milliseconds.</param>
/// <param name="RepairMs">After what time the sender is asked again for what is damaged here and it did not have, in milliseconds.</param>
internal sealed record LinkReceiverSettings(long CreditBytes = 8 << 20, int SliceBytes = 256 << 10, int FeedPatienceMs = 500,
    int RepairMs = 60_000);

/// <summary>The receiving side of a link: what is wanted, what is taken, in which order, and when the link is level (rules R13 to
/// R16).</summary>
/// <remarks>Of each lane one operation of the store is under way at a time; what comes meanwhile is its next group.</remarks>
internal sealed partial class LinkReceiver : ILinkMachine
{
    private readonly LinkReceiverSettings _settings;
    private readonly ILaneHeads _store;
    private readonly Func<HelloFrame, string?> _admit;
    private readonly IncomingMemory _shared;
    private readonly FeedLink _link = new();
    private readonly FetchServing _serving;
    private readonly DamageAsking _damage;
    private readonly Queue<LinkAction> _out = new();
    private ReceiverMemory? _memory;
    private LaneTable<HeardLane> _lanes = new();
    private Phase _phase = Phase.Greeting;
    private Origin _peer;
    private bool _opening;
    private bool _hasFault;

    /// <param name="settings">The settings.</param>
    /// <param name="store">What is held here.</param>
    /// <param name="shared">What it shares with the other incoming links of this cluster.</param>
    /// <param name="admit">Why this sender may not link, or <see langword="null"/>; asked once, after the protocol's own reasons.</param>
    public LinkReceiver(LinkReceiverSettings settings, ILaneHeads store, IncomingMemory shared, Func<HelloFrame, string?>? admit = null)
    {
        _shared = shared;
        _settings = settings;
        _store = store;
        _admit = admit ?? (static _ => null);
        _serving = new FetchServing(store, settings.SliceBytes);
        _damage = new DamageAsking(store, settings.SliceBytes, TimeSpan.FromMilliseconds(settings.RepairMs),
            range => Lacked?.Invoke(_peer.Cluster, range));
        Self = store.Origin;
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

    /// <summary>Whether the lists are answered and entries may come.</summary>
    public bool IsRunning => _phase == Phase.Running;

    /// <summary>Whether the sender only asks, and no lanes will come.</summary>
    public bool IsProbe { get; private set; }

    /// <summary>The clusters that the sender says reach it, itself among them.</summary>
    public Action<IReadOnlyList<ClusterName>>? Reached { get; set; }

    /// <summary>Called, from any thread, when another link's doings give this machine something to do.</summary>
    public Action? Wake
    {
        get => _link.Wake;
        set => _link.Wake = value;
    }

    public bool TryNext(out LinkAction? action)
    {
        if (_phase is Phase.Listing or Phase.Running && _store.Origin != Self)
        {
            Close("this cluster has opened a new incarnation; its links begin again", fault: false);
        }

        if (_phase == Phase.Running && _link.HasNews)
        {
            TakeNews();
        }

        action = _out.Count > 0 ? _out.Dequeue()
            : _phase is Phase.Listing or Phase.Running ? NextAnswer() ?? NextFeed() ?? NextOperation() ?? NextAck()
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
            case HelloFrame hello when _phase == Phase.Greeting:
                OnHello(hello);
                break;
            case ReachFrame reach when _phase is Phase.Listing or Phase.Running:
                _memory!.Reach = Math.Min(_memory.Reach + reach.Names.Count, LinkLimits.MaxReach);
                Reached?.Invoke(reach.Names);
                break;
            case LanesFrame lanes when _phase is Phase.Listing or Phase.Running:
                OnLanes(lanes);
                break;
            case HeadsFrame heads when _phase is Phase.Listing or Phase.Running:
                OnHeads(heads);
                break;
            case EntryFrame entry when _phase == Phase.Running && entry.Number < _lanes.Count:
                OnEntry(entry);
                break;
            case SkipFrame skip when _phase == Phase.Running && skip.Number < _lanes.Count:
                OnSkip(skip);
                break;
            case LostFrame lost when _phase == Phase.Running && lost.Number < _lanes.Count:
                OnLost(lost);
                break;
            case StateFrame state when _phase == Phase.Running:
                OnStateFrame(state);
                break;
            case StateEndFrame end when _phase == Phase.Running:
                _stateEnds = _joinsAsked;
                _stateRevisions.Enqueue((_joinsAsked, end.Revision));
                NoteState();
                break;
            case FetchFrame fetch when _phase == Phase.Running && _serving.TryTake(fetch):
                break;
            case FetchEntryFrame fetched when _phase == Phase.Running && _damage.OnEntry(fetched.Entry):
                break;
            case FetchEndFrame end when _phase == Phase.Running && _damage.IsAsking:
                OnDamageAnswered(end);
                break;
            default:
                if (_phase != Phase.Closed)
                {
                    Close($"protocol: {frame.Type} is not expected while {_phase}", fault: true);
                }

                break;
        }
    }

    public void Refresh()
    {
    }

    public void OnState(ReadState request, IReadOnlyList<StateItem> items, bool last, long revision)
    {
    }

    public void End()
    {
        _phase = Phase.Closed;
        if (_memory is not null)
        {
            _shared.Feeds.Leave(_link);
            if (!IsProbe && !_hasFault)
            {
                _memory.EndSession();
                _shared.Keep(_memory);
            }

            (_memory, _lanes) = (null, new LaneTable<HeardLane>());
        }
    }

    private void OnHello(HelloFrame hello)
    {
        string? fault = hello.Version != LinkLimits.ProtocolVersion
                ? $"protocol version {hello.Version} is not spoken here, {LinkLimits.ProtocolVersion} is"
            : hello.Target != Self.Cluster ? $"this is {Self.Cluster}, not {hello.Target}"
            : hello.Sender.Cluster == Self.Cluster ? $"this is {Self.Cluster} too: names of clusters must be unique"
            : _admit(hello);
        if (fault is not null)
        {
            Send(new RefusedFrame(fault));
            Close($"refused {hello.Sender.Cluster}: {fault}", fault: true);
            return;
        }

        _peer = hello.Sender;
        IsProbe = hello.Probe;
        _phase = Phase.Listing;
        _memory = IsProbe ? new ReceiverMemory(Self, _peer) : _shared.Take(Self, _peer);
        _lanes = _memory.Lanes;
        if (!IsProbe)
        {
            _shared.Feeds.Enter(_link);
        }

        Send(new WelcomeFrame(Self, _settings.CreditBytes, _memory.Known));
        _out.Enqueue(new Report(LinkEvent.Greeted, $"linked from {_peer}{(IsProbe ? " (a question only)" : "")}"));
        if (!IsProbe)
        {
            Reached?.Invoke([_peer.Cluster]);
        }
    }

    /// <summary>Opens a new incarnation, and says before whose the later one is, so that the new one is later still.</summary>
    private void Open(string reason, Incarnation later = default)
    {
        if (!_opening)
        {
            _opening = true;
            if (later > Self.Incarnation)
            {
                _out.Enqueue(new JoinState([OwnName.Opened(new Origin(Self.Cluster, later))]));
            }

            _out.Enqueue(new OpenIncarnation(Self, reason));
            Close("this cluster opens a new incarnation; its links begin again", fault: false);
        }
    }

    private void OpenIfLaterIsKnown()
    {
        if (_phase != Phase.Closed && OwnName.ReasonToOpen(_store, Self) is { } reason)
        {
            Open(reason);
        }
    }

    private void Send(LinkFrame frame) => _out.Enqueue(new SendFrame(frame));

    private void Close(string reason, bool fault)
    {
        if (_phase != Phase.Closed)
        {
            _phase = Phase.Closed;
            _hasFault |= fault;
            _out.Enqueue(new HangUp(reason, fault));
        }
    }
}
