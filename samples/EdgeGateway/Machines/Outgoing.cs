namespace EdgeGateway;

/// <summary>An event that a machine has to publish, and how far that is.</summary>
/// <param name="number">Its running number.</param>
/// <param name="payload">Its text.</param>
internal sealed class Outgoing(int number, byte[] payload)
{
    public int Number => number;

    public byte[] Payload => payload;

    /// <summary>Its packet identifier; 0 before it was sent.</summary>
    public ushort PacketId { get; set; }

    /// <summary>QoS 2: PUBREC has come; what is left is PUBREL and PUBCOMP.</summary>
    public bool IsReceived { get; set; }
}
