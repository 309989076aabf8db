using System.Buffers;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>PUBLISH from a client. The append is begun here, in the order of the packets, and not waited for: PUBACK or PUBREC
/// follows when it is flushed.</summary>
internal sealed class PublishHandler(GatewayServices services, PlainPublisher publisher)
{
    private static readonly Answer? s_full = new Answer(MqttReasonCode.QuotaExceeded,
        "as many messages with QoS 2 as may be are not released");

    /// <summary>Takes the message on.</summary>
    /// <exception cref="MqttProtocolException">The message breaks what CONNACK announced.</exception>
    public async ValueTask HandleAsync(MqttSession session, MqttPublishPacket packet)
    {
        string topic = session.Aliases.Resolve(services.TopicLimits.Cut(packet));
        Check(session, packet);
        if (session.Rate is { } rate && await IsTooFastAsync(session, rate, topic, packet).ConfigureAwait(false))
        {
            return;
        }

        await session.Inbound.WaitForRoomAsync(session.Stopping).ConfigureAwait(false);
        MqttPacketType reply = packet.Qos == MqttQos.ExactlyOnce ? MqttPacketType.Pubrec : MqttPacketType.Puback;
        ReceivedStep step = ReceivedStep.Take;
        if (packet.Qos == MqttQos.ExactlyOnce)
        {
            step = session.Received.Next(packet.PacketId, packet.Duplicate, out Task<Answer> known);
            if (step == ReceivedStep.Repeat)
            {
                await session.Inbound.AddAsync(reply, packet.PacketId, topic, known, 0, session.Stopping).ConfigureAwait(false);
                return;
            }
        }
        else if (topic.StartsWith(ProtocolTopics.Prefix, StringComparison.Ordinal))
        {
            await session.Sdk.HandleAsync(topic, packet).ConfigureAwait(false);
            return;
        }

        if ((step == ReceivedStep.Full ? s_full : Refusal(session, topic)) is { } refusal)
        {
            await session.Inbound.AddAsync(reply, packet.PacketId, topic, Task.FromResult(refusal), 0,
                session.Stopping).ConfigureAwait(false);
            return;
        }

        int length = (int)packet.Payload.Length;
        byte[] rented = ArrayPool<byte>.Shared.Rent(length);
        packet.Payload.CopyTo(rented);
        if (session.IsClosing)
        {
            throw new OperationCanceledException("the connection ends");      // what was copied may be something else by now
        }

        await publisher.PrepareAsync(topic, session.Stopping).ConfigureAwait(false);
        Task<Answer> work = PublishAsync(session, topic, packet, step == ReceivedStep.TakeAsNew, rented, length);
        if (packet.Qos == MqttQos.ExactlyOnce)
        {
            session.Received.Take(packet.PacketId, work);
        }

        await session.Inbound.AddAsync(reply, packet.PacketId, topic, work, length, session.Stopping).ConfigureAwait(false);
    }

    // Not read meanwhile, the client cannot send either: neither is what it sends kept here, nor does anybody else wait.
    private async ValueTask<bool> IsTooFastAsync(MqttSession session, PublishRate rate, string topic, MqttPublishPacket packet)
    {
        bool isVerb = topic.StartsWith(ProtocolTopics.Prefix, StringComparison.Ordinal) && topic != ProtocolTopics.Produce;
        TimeSpan wait = isVerb ? TimeSpan.Zero : rate.Take(packet.Payload.Length);
        if (wait == TimeSpan.Zero)
        {
            return false;
        }

        services.Meter.PublishesTooFast.Add(1);
        if (services.Options.RateAction == RateAction.Disconnect)
        {
            throw new MqttProtocolException(MqttReasonCode.MessageRateTooHigh, services.Options.RateText);
        }

        if (!session.SaidTooFast)
        {
            session.SaidTooFast = true;
            GatewayLog.TooFast(services.Log, session.Client.ClientId, services.Options.RateText);
        }

        await Task.Delay(wait, services.Time, session.Stopping).ConfigureAwait(false);
        return false;
    }

    private void Check(MqttSession session, MqttPublishPacket packet)
    {
        if (packet.PacketId != 0 && session.Client.IsV5 && !(packet.Qos == MqttQos.ExactlyOnce && session.Received.Knows(packet.PacketId))
            && session.Inbound.Unanswered + session.Received.Outstanding >= services.Options.ReceiveMaximum)
        {
            throw new MqttProtocolException(MqttReasonCode.ReceiveMaximumExceeded,
                $"more than {services.Options.ReceiveMaximum} messages are unanswered");
        }
    }

    private Answer? Refusal(MqttSession session, string topic)
    {
        if (services.TopicLimits.Fault(topic) is { } tooLong)
        {
            return new Answer(MqttReasonCode.TopicNameInvalid, tooLong);
        }

        if (topic.StartsWith(ProtocolTopics.Prefix, StringComparison.Ordinal))
        {
            return new Answer(MqttReasonCode.ImplementationSpecificError, "the SDK's topics take QoS 0 and 1");
        }

        if (!TopicMap.TrySplit(topic, out StreamPath stream, out ReadOnlyMemory<char> rest, out string? fault))
        {
            return new Answer(MqttReasonCode.TopicNameInvalid, fault);
        }

        return services.Access.Allows(session.Client.Subject, AccessAction.Publish, stream, rest.Span) ? null
            : new Answer(MqttReasonCode.NotAuthorized, $"publishing to {stream} is not allowed");
    }

    private async Task<Answer> PublishAsync(MqttSession session, string topic, MqttPublishPacket packet, bool isNew, byte[] rented,
        int length)
    {
        // Not ended with the session: the payload may not be given back before the append is over.
        Mark? mark = packet.Qos == MqttQos.ExactlyOnce && session.Client.UsesLog ? ReceivedMarks.Of(session, packet.PacketId) : null;
        Answer answer = await publisher.PublishAsync(topic, rented.AsMemory(0, length), packet.Properties, packet.Qos,
            packet.Retain, session.Client.ClientId, session.MarksOwnMessages, mark, isNew, CancellationToken.None)
            .ConfigureAwait(false);
        ArrayPool<byte>.Shared.Return(rented);
        return answer;
    }
}
