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
}

/// <summary>The messages on their way to a client that are not acknowledged. Belongs to the session's delivery loop.</summary>
internal sealed class OutboundWindow(int size)
{
    private readonly Dictionary<ushort, InFlight> _sent = [];
    private ushort _last;

    /// <summary>Most messages at once: the client's Receive Maximum.</summary>
    public int Size { get; } = size;

    /// <summary>How many more messages may be sent.</summary>
    public int Room => IsFull ? 0 : Size - _sent.Count;

    /// <summary>Whether nothing more may be sent.</summary>
    public bool IsFull => _sent.Count >= Size;

    /// <summary>Gives a message its packet identifier.</summary>
    public ushort Add(in InFlight message)
    {
        do
        {
            _last = (ushort)(_last == ushort.MaxValue ? 1 : _last + 1);
        }
        while (!_sent.TryAdd(_last, message));
        return _last;
    }

    /// <summary>Takes a message out; false when its identifier is not known.</summary>
    public bool Remove(ushort packetId, out InFlight message) => _sent.Remove(packetId, out message);
}
