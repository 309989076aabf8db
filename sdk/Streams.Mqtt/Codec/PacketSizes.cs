namespace Streams.Mqtt;

/// <summary>What must be known before a packet is written: how long it is, and how long its property blocks are.</summary>
internal readonly record struct PacketSizes(uint Remaining, int Properties, int WillProperties);
