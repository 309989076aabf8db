using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>What a message is answered with.</summary>
/// <param name="Code">The reason code of PUBACK, PUBREC or PUBCOMP.</param>
/// <param name="Reason">For people; <see langword="null"/> when there is nothing to say.</param>
/// <param name="Placed">Where a batch stands (<see cref="ProtocolTopics.PlacedProperty"/>).</param>
/// <param name="Bundle">What became of the batches of a bundle (<see cref="BundleAnswers"/>).</param>
internal readonly record struct Answer(MqttReasonCode Code, string? Reason = null, IReadOnlyList<PlacedRun>? Placed = null,
    IReadOnlyList<string>? Bundle = null)
{
    /// <summary>Taken, flushed.</summary>
    public static readonly Answer Taken = new(MqttReasonCode.Success);

    /// <summary>Whether it was not taken.</summary>
    public bool IsRefusal => Code >= MqttReasonCode.UnspecifiedError;

    /// <summary>The answer to a failure: what will stay wrong as <paramref name="permanent"/>, all else as "not here, not now".</summary>
    public static Answer To(Exception failure, MqttReasonCode permanent) => failure switch
    {
        InvalidRequestException => new Answer(permanent, failure.Message),
        StreamsException => new Answer(MqttReasonCode.ImplementationSpecificError,
            $"{nameof(ProduceRefusal.NotWriting)}: {failure.Message}"),
        OperationCanceledException =>
            new Answer(MqttReasonCode.ImplementationSpecificError, $"{nameof(ProduceRefusal.NotWriting)}: the connection ends"),
        _ => new Answer(MqttReasonCode.UnspecifiedError, "internal error"),
    };

    /// <summary>The PUBACK that says it.</summary>
    public MqttPubackPacket ToPuback(ushort packetId) =>
        new() { PacketId = packetId, ReasonCode = Code, Properties = ToProperties() };

    /// <summary>The PUBREC that says it.</summary>
    public MqttPubrecPacket ToPubrec(ushort packetId) =>
        new() { PacketId = packetId, ReasonCode = Code, Properties = ToProperties() };

    /// <summary>Its words; <see langword="null"/> when there is nothing to say.</summary>
    public MqttProperties? ToProperties()
    {
        MqttProperties? properties = null;
        if (Reason is { Length: > 0 } reason)
        {
            properties = new MqttProperties { ReasonString = reason };
        }

        foreach (PlacedRun run in Placed ?? [])
        {
            (properties ??= new MqttProperties()).Add(ProtocolTopics.PlacedProperty, run.ToString());
        }

        foreach (string told in Bundle ?? [])
        {
            (properties ??= new MqttProperties()).Add(ProtocolTopics.PlacedProperty, told);
        }

        return properties;
    }
}
