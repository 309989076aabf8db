using System.Text;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>Whether a will can be an event: found out at CONNECT, when the client can still be told.</summary>
internal static class WillCheck
{
    /// <summary>Why it cannot; <see langword="null"/> when it can.</summary>
    /// <param name="will">The will.</param>
    /// <param name="topic">Its topic within its stream.</param>
    public static (MqttReasonCode Code, string Reason)? Fault(MqttWill will, ReadOnlySpan<char> topic)
    {
        byte[] name = new byte[Encoding.UTF8.GetByteCount(topic)];
        Encoding.UTF8.GetBytes(topic, name);
        if (!TopicName.IsValid(name))
        {
            return (MqttReasonCode.TopicNameInvalid,
                $"will: a topic takes at most {TopicName.MaxBytes} bytes here, and has no control characters");
        }

        try
        {
            int bytes = MqttHeaders.Encode(will.Properties, will.Qos, null).Length;
            return bytes <= EventLimits.MaxHeaderBytes ? null
                : (MqttReasonCode.QuotaExceeded,
                    $"will: its properties take {bytes} bytes, at most {EventLimits.MaxHeaderBytes} are allowed");
        }
        catch (InvalidRequestException e)
        {
            return (MqttReasonCode.QuotaExceeded, $"will: {e.Message}");
        }
    }
}
