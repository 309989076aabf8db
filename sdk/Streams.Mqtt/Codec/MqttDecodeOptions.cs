namespace Streams.Mqtt;

/// <summary>What a receiver accepts. Immutable; change it with <c>with</c>.</summary>
public sealed record MqttDecodeOptions
{
    /// <summary>
    /// The largest value of <see cref="MaximumPacketSize"/>: one byte, a remaining length of four, and what that can name.
    /// </summary>
    public const int LargestPacket = VariableByteInteger.Maximum + 5;

    /// <summary>Which end the receiver is. Default: server.</summary>
    public MqttRole Role { get; init; }

    /// <summary>
    /// The version of the connection. <see langword="null"/> means that CONNECT has not been read: a server then takes nothing else.
    /// A client always knows it. A server that knows it refuses a second CONNECT. Default: null.
    /// </summary>
    public MqttVersion? Version { get; init; }

    /// <summary>
    /// The largest packet in bytes, headers included; a larger one is refused as soon as its length is read. From 2 to
    /// <see cref="LargestPacket"/>. Default: 1 MiB.
    /// </summary>
    public int MaximumPacketSize { get; init; } = 1024 * 1024;

    /// <summary>
    /// The most user properties, subscription identifiers or topic filters in one packet. A few bytes on the wire become an object
    /// in memory: this keeps a packet from growing tenfold when read. Default: 4,096.
    /// </summary>
    public int MaximumItems { get; init; } = 4096;

    /// <summary>Where strings of topics are kept, or <see langword="null"/>. Belongs to one reader. Default: null.</summary>
    public TopicNameCache? Topics { get; init; }
}
