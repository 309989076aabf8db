namespace Streams.Mqtt;

/// <summary>How a publish ended. A refusal by the server is a result, not an exception.</summary>
/// <param name="ReasonCode">What PUBACK, PUBREC (failure) or PUBCOMP said; success for QoS 0 and always in 3.1.1.</param>
/// <param name="Properties">The properties of that packet, or <see langword="null"/>.</param>
public readonly record struct MqttPublishResult(MqttReasonCode ReasonCode, MqttProperties? Properties)
{
    /// <summary>Whether the server took the message.</summary>
    public bool IsSuccess => ReasonCode < MqttReasonCode.UnspecifiedError;
}
