namespace Streams.Mqtt;

/// <summary>
/// The peer broke the standard or a limit, or a packet was to be written that the standard does not allow.
/// After a read failed with it the connection cannot be read further: send the reason code in CONNACK or DISCONNECT (MQTT 5), then close.
/// </summary>
public sealed class MqttProtocolException : Exception
{
    /// <summary>Makes the error.</summary>
    /// <param name="reasonCode">The code the other side is to be told.</param>
    /// <param name="message">What was wrong, for people.</param>
    public MqttProtocolException(MqttReasonCode reasonCode, string message)
        : base(message)
    {
        ReasonCode = reasonCode;
    }

    /// <summary>The MQTT 5 reason code that names the fault; always 0x80 or above.</summary>
    public MqttReasonCode ReasonCode { get; }

    /// <summary>
    /// When CONNECT was refused after its protocol level had been read: the version in which the refusing CONNACK must be
    /// written for the client to understand it. <see langword="null"/> otherwise.
    /// </summary>
    public MqttVersion? AnswerIn { get; internal set; }
}
