using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>UNSUBSCRIBE.</summary>
internal sealed class UnsubscribeHandler(SubscribeHandler subscribe)
{
    /// <summary>Removes the filters and answers; a kept session is in the log before.</summary>
    public async ValueTask HandleAsync(MqttSession session, MqttUnsubscribePacket packet)
    {
        MqttReasonCode[] codes = new MqttReasonCode[packet.Filters.Count];
        byte[]? record = null;
        session.StartDelivery();
        await session.Delivery.PostAsync(() =>
        {
            for (int i = 0; i < codes.Length; i++)
            {
                codes[i] = session.Delivery.Subscriptions.Remove(packet.Filters[i]) ? MqttReasonCode.Success
                    : MqttReasonCode.NoSubscriptionExisted;
            }

            session.Delivery.Cover();
            SubscribeHandler.Summarise(session);
            record = session.Client.UsesLog ? SessionRecordFormat.Write(SessionRecord.Of(session)) : null;
        }).ConfigureAwait(false);
        if (record is not null)
        {
            await subscribe.WriteAsync(session, record).ConfigureAwait(false);
        }

        await session.Replies.WriteAsync(new MqttUnsubackPacket { PacketId = packet.PacketId, ReasonCodes = codes },
            session.Stopping).ConfigureAwait(false);
    }
}
