namespace Streams.Mqtt;

/// <summary>Short names for the refusals the codec makes most.</summary>
internal static class Refuse
{
    public static MqttProtocolException Malformed(string message) => new(MqttReasonCode.MalformedPacket, message);

    public static MqttProtocolException Protocol(string message) => new(MqttReasonCode.ProtocolError, message);

    public static MqttProtocolException Over(string what, int limit) =>
        new(MqttReasonCode.QuotaExceeded, $"More than {limit} {what} in one packet.");
}
