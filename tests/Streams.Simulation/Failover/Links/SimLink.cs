using Streams.Core;
using Streams.Geo;
using Streams.Testing;

namespace Streams.Simulation;

/// <summary>A link from one cluster to another over its sessions: the product's two machines, and a connection that delays, repeats, loses
/// and breaks.</summary>
internal sealed class SimLink(World world, SimCluster from, SimCluster to)
{
    private const int Room = 24;

    private readonly Dictionary<LaneId, long> _asked = [];
    private readonly List<LaneId> _numbers = [];
    private readonly List<StreamPath> _streams = [];
    private readonly List<Origin> _origins = [];
    private readonly bool[] _ways = new bool[4];
    private LinkEnd? _sender;
    private LinkEnd? _receiver;
    private SimulatedWay<byte[]> _forth = new(Room);
    private SimulatedWay<byte[]> _back = new(Room);
    private (LinkEnd Receiver, SimulatedWay<byte[]> Forth)? _halfDead;
    private bool _hadState;
    private bool _hasLost;
    private bool _lists;

    public SimCluster From => from;

    public SimCluster To => to;

    public bool IsUp => _sender is not null;

    public LinkSender? Sender => _sender?.Machine as LinkSender;

    public LinkReceiver? Receiver => _receiver?.Machine as LinkReceiver;

    public bool IsQuiet => IsUp && _forth.Count + _back.Count == 0;

    public string Name => $"{from.Letter}→{to.Letter}";

    /// <summary>Whether an entry was lost on a connection that is still up.</summary>
    public bool HasLost => _hasLost;

    /// <summary>Connects, when both processes run.</summary>
    public bool Connect()
    {
        if (IsUp || from.Life is not { IsWriting: true } here || to.Life is not { IsWriting: true } there)
        {
            return false;
        }

        // A newer connection of a sender takes the place of an older one that is half dead (rule R13).
        _halfDead?.Receiver.End();
        _halfDead = null;
        _forth = new SimulatedWay<byte[]>(Room);
        _back = new SimulatedWay<byte[]>(Room);
        _asked.Clear();
        (_hasLost, _lists) = (false, false);
        LinkSender sender = world.MakeSender(here, to);
        LinkReceiver receiver = world.MakeReceiver(there, from);
        _sender = new LinkEnd(world, this, sender, here, _forth);
        _receiver = new LinkEnd(world, this, receiver, there, _back);
        world.Tally.Add("link sessions");
        return true;
    }

    /// <summary>The connection is gone. The receiving side may not know it yet, and take what is still under way.</summary>
    public void Cut(bool mayLinger)
    {
        if (!IsUp)
        {
            return;
        }

        world.Tally.Add("frames lost in cuts", _back.Cut());
        if (mayLinger && _forth.Count > 0 && _receiver!.Life.IsUp && world.Chance.Next(2) == 0)
        {
            _halfDead = (_receiver, _forth);
            world.Tally.Add("half-dead connections");
        }
        else
        {
            world.Tally.Add("frames lost in cuts", _forth.Cut());
            _receiver!.End();
        }

        _sender!.End();
        (_sender, _receiver) = (null, null);
    }

    /// <summary>A process ended: what it was part of is gone.</summary>
    public void Forget(ClusterLife life)
    {
        if (_halfDead?.Receiver.Life == life)
        {
            _halfDead = null;
        }

        if (_sender?.Life == life || _receiver?.Life == life)
        {
            Cut(mayLinger: _sender!.Life == life);
        }
    }

    /// <summary>One direction is held up, or let go again.</summary>
    public void HoldUp(bool forth, bool isHeldUp) => (forth ? _forth : _back).IsHeldUp = isHeldUp;

    /// <summary>One thing happens on the link; false when nothing is to be done.</summary>
    public bool Step(bool faults)
    {
        if (_halfDead is { } old && world.Chance.Next(2) == 0)
        {
            StepHalfDead(old.Receiver, old.Forth);
            return true;
        }

        if (!world.Keeps(Rule.Path) && Sender is { IsRunning: true } && _numbers.Count > 0 && world.Chance.Next(20) == 0)
        {
            // Without invariant 5: the sender behaves as if it had been asked, and the judge knows that nobody asked.
            Sender.Receive(new FeedFrame([new LaneFeed(world.Chance.Next(_numbers.Count), true, default, default)]));
        }

        Array.Clear(_ways);
        for (int tried = 0; tried < 4 && IsUp;)
        {
            int way = world.Chance.Next(4);
            if (_ways[way])
            {
                continue;
            }

            _ways[way] = true;
            tried++;
            bool done = way switch
            {
                0 => Arrive(_forth, _receiver!, faults),
                1 => Arrive(_back, _sender!, faults),
                2 => _sender!.Act(),
                _ => _receiver!.Act(),
            };
            if (done)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>One side hung up. What it had said before may still arrive.</summary>
    public void HungUp(LinkEnd end, HangUp hangUp)
    {
        world.Trace?.Add($"{Name} {(end == _sender ? "sender" : "receiver")} hangs up: {hangUp.Reason}");
        world.Tally.Add("link sessions ended by a machine");
        if (hangUp.Fault)
        {
            world.Truth.Fail(Violation.Protocol, $"{Name}: {hangUp.Reason}");
        }

        if (end == _receiver || end == _sender)
        {
            LinkEnd other = end == _sender ? _receiver! : _sender!;
            SimulatedWay<byte[]> last = end == _sender ? _forth : _back;
            last.IsHeldUp = false;
            while (world.Chance.Next(4) > 0 && IsUp && Arrive(last, other, faults: false))
            {
            }

            Cut(mayLinger: false);
        }
    }

    public void Reported(LinkEnd end, Report report)
    {
        world.Trace?.Add($"{Name}: {report.Text}");
        world.Tally.Add("link: " + report.Event);
        if (report.Event == LinkEvent.LaneRefused)
        {
            world.Truth.Fail(Violation.TwoNames, $"{Name}: {report.Text}");
        }
    }

    /// <summary>The joined state that a sender sends at link start (rule R16); with a rule missing, less or more of it.</summary>
    public IEnumerable<StateItem> StateOf(ClusterLife life, long since, out long revision)
    {
        IEnumerable<StateItem> state = life.Container.State(since, out revision);
        if (!world.Keeps(Rule.SnapOn) && _hadState)
        {
            return [];
        }

        _hadState = true;
        world.Tally.Add("link starts that told only what state had changed", since > 0 ? 1 : 0);
        return world.Keeps(Rule.SnapHeld) ? state : state.Concat(world.AllHeld(life));
    }

    /// <summary>Watches the wire, independent of the machines' own counts (invariant 5): what names the receiver on its path must have been
    /// asked for.</summary>
    public void Watch(LinkEnd end, LinkFrame frame)
    {
        switch (frame)
        {
            case LanesFrame lanes:
                GoBack(lanes.First);
                _streams.AddRange(lanes.Streams);
                _origins.AddRange(lanes.Origins);
                _numbers.AddRange(lanes.Lanes.Select(l => new LaneId(new StreamPartition(_streams[l.Stream], l.Partition),
                    _origins[l.Origin])));
                break;
            case AskFrame ask:
                LaneId asked = _numbers[ask.Number];
                _asked[asked] = Math.Max(_asked.GetValueOrDefault(asked), ask.UpTo.Value);
                world.Tally.Add("entries asked for again");
                break;
            case EntryFrame entry:
                WatchEntry(end, entry);
                break;
        }
    }

    // A list begins again behind the lanes that the receiver knows from an earlier session.
    private void GoBack(int known)
    {
        world.Tally.Add("link starts that went on with a known list", !_lists && known > 0 ? 1 : 0);
        _lists = true;
        if (known < _numbers.Count)
        {
            _numbers.RemoveRange(known, _numbers.Count - known);
            _streams.Clear();
            _streams.AddRange(_numbers.Select(static lane => lane.Partition.Stream).Distinct());
            _origins.Clear();
            _origins.AddRange(_numbers.Select(static lane => lane.Origin).Distinct());
        }
    }

    // What the sender holds of a lane when it is asked for it, is asked for.
    private void NoteAsked(FeedFrame feed)
    {
        foreach (LaneFeed wish in feed.Lanes)
        {
            if (wish.On)
            {
                LaneId lane = _numbers[wish.Number];
                _asked[lane] = Math.Max(_asked.GetValueOrDefault(lane), _sender!.Life.Lanes.Lane(lane)?.NextEntry.Value ?? 0);
            }
        }
    }

    private void WatchEntry(LinkEnd end, EntryFrame entry)
    {
        LaneId lane = _numbers[entry.Number];
        world.Tally.Add("entries sent over links");
        world.Truth.Seen(lane, entry.Entry, Name);
        if (entry.Entry.Path.Contains(((LinkSender)end.Machine).Peer!.Value))
        {
            if (entry.Entry.Number.Value < _asked.GetValueOrDefault(lane))
            {
                world.Tally.Add("entries sent though on the path, as asked");
            }
            else
            {
                world.Truth.Fail(Violation.Path, $"{Name}: entry {entry.Entry.Number} of {world.Short(lane)} has passed the receiver");
            }
        }
    }

    private bool Arrive(SimulatedWay<byte[]> way, LinkEnd end, bool faults)
    {
        if (!way.TryArrive(out byte[] bytes) || end.Read(bytes) is not { } frame)
        {
            return false;
        }

        if (faults && frame is EntryFrame && world.Chance.Next(200) == 0)
        {
            world.Tally.Add("entries lost on a connection that stays up");
            _hasLost = true;
            return true;
        }

        if (frame is FeedFrame feed)
        {
            NoteAsked(feed);
        }

        end.Machine.Receive(frame);
        if (faults && frame is EntryFrame or StateFrame or HeadsFrame or AckFrame && world.Chance.Next(12) == 0)
        {
            world.Tally.Add("frames repeated");
            end.Machine.Receive(frame);
        }

        return true;
    }

    private void StepHalfDead(LinkEnd receiver, SimulatedWay<byte[]> forth)
    {
        if (!Arrive(forth, receiver, faults: false) && !receiver.Act())
        {
            receiver.End();
            _halfDead = null;
        }
    }
}
