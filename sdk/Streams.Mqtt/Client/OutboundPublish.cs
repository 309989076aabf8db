using System.Buffers;

namespace Streams.Mqtt;

/// <summary>One publish call: waiting for its turn, or for its acknowledgement.</summary>
internal sealed class OutboundPublish : TaskCompletionSource<MqttPublishResult>
{
    public OutboundPublish(in MqttPublishHead head, in ReadOnlySequence<byte> payload)
        : base(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        Head = head;
        Payload = payload;
    }

    public MqttPublishHead Head { get; set; }

    /// <summary>The caller's memory; let go of when it has been written.</summary>
    public ReadOnlySequence<byte> Payload { get; set; }

    /// <summary>The packet that must come next: PUBACK, PUBREC or PUBCOMP.</summary>
    public MqttPacketType Awaits { get; set; }
}
