namespace Streams.Mqtt;

/// <summary>Whether retained messages are sent when a subscription is made (MQTT 5; 3.1.1 always behaves as <see cref="Send"/>).</summary>
public enum MqttRetainHandling : byte
{
    /// <summary>Send retained messages at every subscribe.</summary>
    Send = 0,

    /// <summary>Send retained messages only when the subscription did not exist before.</summary>
    SendIfNew = 1,

    /// <summary>Never send retained messages at subscribe.</summary>
    DoNotSend = 2,
}
