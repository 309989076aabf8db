namespace Streams.Mqtt;

/// <summary>SUBSCRIBE: one filter or more.</summary>
public sealed class MqttSubscribePacket : MqttPacket
{
    /// <inheritdoc/>
    public override MqttPacketType Type => MqttPacketType.Subscribe;

    /// <summary>The packet identifier, 1 to 65,535.</summary>
    public required ushort PacketId { get; init; }

    /// <summary>The filters with their options, at least one.</summary>
    public required IReadOnlyList<MqttSubscription> Subscriptions { get; init; }

    /// <summary>MQTT 5: at most one subscription identifier, user properties; <see langword="null"/> when there are none.</summary>
    public MqttProperties? Properties { get; init; }
}
