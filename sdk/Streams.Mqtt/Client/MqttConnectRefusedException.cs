namespace Streams.Mqtt;

/// <summary>The server answered CONNECT with a refusal. The reason code tells whether another try can help.</summary>
public sealed class MqttConnectRefusedException : Exception
{
    /// <summary>Makes the error.</summary>
    public MqttConnectRefusedException(MqttConnackPacket connack)
        : base($"The server refused the connection: {connack.ReasonCode}. {connack.Properties?.ReasonString}".TrimEnd())
    {
        Connack = connack;
    }

    /// <summary>The server's answer.</summary>
    public MqttConnackPacket Connack { get; }

    /// <summary>The reason code of the answer.</summary>
    public MqttReasonCode ReasonCode => Connack.ReasonCode;
}
