namespace Streams.Mqtt;

/// <summary>UNSUBSCRIBE: one filter or more.</summary>
public sealed class MqttUnsubscribePacket : MqttPacket
{
    /// <inheritdoc/>
    public override MqttPacketType Type => MqttPacketType.Unsubscribe;

    /// <summary>The packet identifier, 1 to 65,535.</summary>
    public required ushort PacketId { get; init; }

    /// <summary>The filters, at least one; compared character by character with those subscribed.</summary>
    public required IReadOnlyList<string> Filters { get; init; }

    /// <summary>MQTT 5: user properties, or <see langword="null"/> when there are none.</summary>
    public MqttProperties? Properties { get; init; }
}
