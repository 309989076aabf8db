using System.Text;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>One message on its way to a client.</summary>
/// <param name="Reading">The reader that gave it and waits for its confirmation; <see langword="null"/> when none does.</param>
/// <param name="Ticket">What the reader knows it by.</param>
/// <param name="Partition">Where the event stands, with the two that follow: the same at every cluster.</param>
/// <param name="Origin">The lane.</param>
/// <param name="Offset">The offset.</param>
/// <param name="Qos">As it was sent.</param>
/// <param name="Released">QoS 2: whether the client has it (PUBREC) and its identifier is being let go.</param>
internal readonly record struct InFlight(
    PartitionReading? Reading, long Ticket, StreamPartition Partition, Origin Origin, Offset Offset, MqttQos Qos, bool Released = false)
{
    /// <summary>Who else waits for its confirmation, and knows it by the ticket; <see langword="null"/> when nobody does.</summary>
    public IMessageOwner? Owner { get; init; }

    /// <summary>Whether it is part of what is kept of the session: it comes from a lane, and will be sent again.</summary>
    public bool IsKept { get; init; }

    /// <summary>Whether it was sent over an earlier connection and not over this one yet.</summary>
    public bool IsWaiting { get; init; }

    /// <summary>Its place in the order of what was sent, or, once released, of the PUBRECs.</summary>
    public long Sequence { get; init; }

    /// <summary>The lane.</summary>
    public LaneId Lane => new(Partition, Origin);
}

/// <summary>What is known of an event that a reader gives.</summary>
internal enum Regiven
{
    /// <summary>It was never sent.</summary>
    Unknown,

    /// <summary>It is on its way: nothing to send.</summary>
    UnderWay,

    /// <summary>It was sent over an earlier connection: to be sent again under its identifier.</summary>
    Again,

    /// <summary>The client has it for good.</summary>
    Done,
}

/// <summary>The messages on their way to a client that are not acknowledged to the end. Pure. Belongs to the session's delivery
/// loop.</summary>
/// <remarks>A session that is kept goes on with what an earlier connection sent: under the same identifiers, in the same order. It also
/// remembers what it has finished behind something that is not: the cursor stands before both, and the reader gives them again. What is
/// remembered goes when the cursor behind it is committed. All of it fits one register; beyond that the window is full.</remarks>
internal sealed class OutboundWindow(int size, bool isKept = false)
{
    private const int EntryBytes = 16;
    private const int DoneBytes = 12;

    // Leaves room for the head and for a lane more.
    private const int MaxBytes = RegisterFact.MaxValueBytes - (4 << 10);

    private readonly Dictionary<ushort, InFlight> _sent = [];
    private readonly Dictionary<(LaneId Lane, Offset Offset), ushort> _placed = [];
    private readonly Dictionary<LaneId, SortedSet<long>> _done = [];
    private readonly Dictionary<LaneId, int> _laneUses = [];
    private readonly Queue<ushort> _again = new();
    private int _waiting;
    private int _doneCount;
    private int _laneBytes;
    private long _sequence;
    private ushort _last;

    /// <summary>Most messages at once: the client's Receive Maximum.</summary>
    public int Size { get; } = size;

    /// <summary>Whether the session outlives the connection, and this with it.</summary>
    public bool IsKept => isKept;

    /// <summary>Whether the client takes one message more.</summary>
    public bool HasRoom => UnderWay < Size;

    /// <summary>Whether nothing new may be sent. With nothing under way it never is: then the reader can go on, and what is remembered
    /// is passed.</summary>
    public bool IsFull => !HasRoom
        || (UnderWay > 0 && isKept && _laneBytes + (EntryBytes * _placed.Count) + (DoneBytes * _doneCount) >= MaxBytes);

    /// <summary>How many more messages may be sent.</summary>
    public int Room => IsFull ? 0 : Size - UnderWay;

    /// <summary>Whether there is nothing to keep.</summary>
    public bool IsEmpty => _placed.Count == 0 && _doneCount == 0;

    /// <summary>Whether something of an earlier connection is to be sent again, or waits for its PUBCOMP.</summary>
    public bool HasUnfinished => _placed.Count > 0;

    /// <summary>Messages with an identifier.</summary>
    public int Count => _sent.Count;

    /// <summary>Gives a message its packet identifier.</summary>
    public ushort Add(in InFlight message)
    {
        InFlight added = message with { Sequence = ++_sequence, IsKept = isKept && message.Reading is not null };
        do
        {
            _last = (ushort)(_last == ushort.MaxValue ? 1 : _last + 1);
        }
        while (!_sent.TryAdd(_last, added));
        if (added.IsKept)
        {
            Place(_last, added);
        }

        return _last;
    }

    /// <summary>Takes in a message that an earlier connection sent; called in their order. False when its place or identifier is
    /// taken.</summary>
    public bool Restore(ushort packetId, InFlight message)
    {
        message = message with { Sequence = ++_sequence, IsKept = true, IsWaiting = !message.Released };
        if (packetId == 0 || _placed.ContainsKey((message.Lane, message.Offset)) || !_sent.TryAdd(packetId, message))
        {
            return false;
        }

        Place(packetId, message);
        _last = packetId;
        if (message.IsWaiting)
        {
            _waiting++;
            _again.Enqueue(packetId);
        }

        return true;
    }

    /// <summary>Identifiers go on behind this one. A retained message of QoS 2 is not part of what is kept, yet its client may still hold
    /// its identifier, and would take another message under it for a repeat.</summary>
    public void BeginBehind(ushort packetId) => _last = packetId;

    /// <summary>Takes in that an earlier connection has finished an event.</summary>
    public void RestoreDone(LaneId lane, Offset offset) => Remember(lane, offset);

    /// <summary>A message of the window; false when its identifier is not known.</summary>
    public bool TryGet(ushort packetId, out InFlight message) => _sent.TryGetValue(packetId, out message);

    /// <summary>Takes a message out; false when its identifier is not known.</summary>
    public bool Remove(ushort packetId, out InFlight message) => Remove(packetId, remembers: false, out message);

    /// <summary>Takes a message out; false when its identifier is not known.</summary>
    /// <param name="packetId">Its identifier.</param>
    /// <param name="remembers">Whether a reader may give it once more, and must be told that the client has it.</param>
    /// <param name="message">The message.</param>
    public bool Remove(ushort packetId, bool remembers, out InFlight message)
    {
        if (!_sent.Remove(packetId, out message))
        {
            return false;
        }

        _waiting -= message.IsWaiting ? 1 : 0;
        if (message.IsKept)
        {
            _placed.Remove((message.Lane, message.Offset));
            Unuse(message.Lane);
            if (remembers)
            {
                Remember(message.Lane, message.Offset);
            }
        }

        return true;
    }

    /// <summary>PUBREC: the client has a message of QoS 2. Null when there is no such message, else whether this is news.</summary>
    public bool? Receive(ushort packetId)
    {
        if (!_sent.TryGetValue(packetId, out InFlight message) || message.Qos != MqttQos.ExactlyOnce)
        {
            return null;
        }

        if (!message.Released)
        {
            _waiting -= message.IsWaiting ? 1 : 0;
            _sent[packetId] = message with { Released = true, IsWaiting = false, Sequence = ++_sequence };
        }

        return !message.Released;
    }

    /// <summary>A reader gives an event: what is known of it. From now on the reader waits for its confirmation.</summary>
    public Regiven Find(PartitionReading reading, in GivenEvent given, out ushort packetId)
    {
        packetId = 0;
        if (_placed.Count == 0 && _doneCount == 0)
        {
            return Regiven.Unknown;
        }

        LaneId lane = new(reading.Partition, given.Origin);
        if (!_placed.TryGetValue((lane, given.Offset), out packetId))
        {
            return _done.TryGetValue(lane, out SortedSet<long>? done) && done.Contains(given.Offset.Value) ? Regiven.Done : Regiven.Unknown;
        }

        InFlight known = _sent[packetId];
        _sent[packetId] = known with { Reading = reading, Ticket = given.Ticket };
        return known.IsWaiting ? Regiven.Again : Regiven.UnderWay;
    }

    /// <summary>The next message to be sent again; false when there is none.</summary>
    public bool TryNextAgain(out ushort packetId, out InFlight message)
    {
        while (_again.TryDequeue(out packetId))
        {
            if (_sent.TryGetValue(packetId, out message) && message.IsWaiting)
            {
                return true;
            }
        }

        message = default;
        return false;
    }

    /// <summary>A message that waited was sent.</summary>
    public void SentAgain(ushort packetId)
    {
        if (_sent.TryGetValue(packetId, out InFlight message) && message.IsWaiting)
        {
            _waiting--;
            _sent[packetId] = message with { IsWaiting = false };
        }
    }

    /// <summary>A cursor is committed: what stands before it is not given again.</summary>
    public void Passed(StreamPartition partition, Cursor cursor)
    {
        if (_doneCount == 0)
        {
            return;
        }

        foreach ((Origin origin, Offset position) in cursor.Positions)
        {
            LaneId lane = new(partition, origin);
            while (_done.TryGetValue(lane, out SortedSet<long>? done) && done.Min < position.Value)
            {
                Forget(lane, done, done.Min);
            }
        }
    }

    /// <summary>Nothing of a partition needs to be remembered: it is not read any more, or begun again on purpose.</summary>
    public void Forget(StreamPartition partition)
    {
        foreach ((LaneId lane, SortedSet<long> done) in _done.Where(d => d.Key.Partition == partition).ToArray())
        {
            foreach (long offset in done.ToArray())
            {
                Forget(lane, done, offset);
            }
        }
    }

    /// <summary>What is kept, in order: the messages by their sequence.</summary>
    public List<(ushort PacketId, InFlight Message)> Messages()
    {
        List<(ushort PacketId, InFlight Message)> all = new(_placed.Count);
        foreach (ushort packetId in _placed.Values)
        {
            all.Add((packetId, _sent[packetId]));
        }

        all.Sort(static (a, b) => a.Message.Sequence.CompareTo(b.Message.Sequence));
        return all;
    }

    /// <summary>What is finished behind the cursors that are committed.</summary>
    public IReadOnlyDictionary<LaneId, SortedSet<long>> Done => _done;

    private int UnderWay => _sent.Count - _waiting;

    private void Place(ushort packetId, in InFlight message)
    {
        _placed[(message.Lane, message.Offset)] = packetId;
        Use(message.Lane);
    }

    private void Remember(LaneId lane, Offset offset)
    {
        if (!_done.TryGetValue(lane, out SortedSet<long>? done))
        {
            _done[lane] = done = [];
        }

        if (done.Add(offset.Value))
        {
            _doneCount++;
            Use(lane);
        }
    }

    private void Forget(LaneId lane, SortedSet<long> done, long offset)
    {
        done.Remove(offset);
        _doneCount--;
        Unuse(lane);
        if (done.Count == 0)
        {
            _done.Remove(lane);
        }
    }

    private void Use(LaneId lane)
    {
        int uses = _laneUses.GetValueOrDefault(lane);
        _laneUses[lane] = uses + 1;
        _laneBytes += uses == 0 ? BytesOf(lane) : 0;
    }

    private void Unuse(LaneId lane)
    {
        if (--_laneUses[lane] == 0)
        {
            _laneUses.Remove(lane);
            _laneBytes -= BytesOf(lane);
        }
    }

    private static int BytesOf(LaneId lane) => 24 + Encoding.UTF8.GetByteCount(lane.Partition.Stream.Value)
        + Encoding.UTF8.GetByteCount(lane.Origin.Cluster.Value);
}
