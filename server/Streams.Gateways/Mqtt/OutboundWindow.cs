namespace Streams.Gateways;

/// <summary>The messages on their way to a client that are not acknowledged. Belongs to the session's delivery loop.</summary>
internal sealed class OutboundWindow(int size)
{
    private readonly Dictionary<ushort, (PartitionReading Reading, long Ticket)> _sent = [];
    private ushort _last;

    /// <summary>Most messages at once: the client's Receive Maximum.</summary>
    public int Size { get; } = size;

    /// <summary>Whether nothing more may be sent.</summary>
    public bool IsFull => _sent.Count >= Size;

    /// <summary>Gives a message its packet identifier.</summary>
    public ushort Add(PartitionReading reading, long ticket)
    {
        do
        {
            _last = (ushort)(_last == ushort.MaxValue ? 1 : _last + 1);
        }
        while (!_sent.TryAdd(_last, (reading, ticket)));
        return _last;
    }

    /// <summary>Takes a message out; false when its identifier is not known.</summary>
    public bool Remove(ushort packetId, out PartitionReading? reading, out long ticket)
    {
        bool known = _sent.Remove(packetId, out (PartitionReading Reading, long Ticket) sent);
        (reading, ticket) = (sent.Reading, sent.Ticket);
        return known;
    }
}
