using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>UNSUBSCRIBE.</summary>
internal sealed class UnsubscribeHandler(SubscribeHandler subscribe)
{
    /// <summary>Removes the filters and answers. A kept session is in the log without them before they are removed: when that fails
    /// they are still there, and the client is told so.</summary>
    public async ValueTask HandleAsync(MqttSession session, MqttUnsubscribePacket packet)
    {
        MqttReasonCode[] codes = new MqttReasonCode[packet.Filters.Count];
        MqttProperties? properties = null;
        session.StartDelivery();
        byte[]? record = null;
        await session.Delivery.PostAsync(() => record = session.Client.UsesLog ? Record(session, packet) : null).ConfigureAwait(false);
        if (record is not null && await subscribe.WriteAsync(session, record).ConfigureAwait(false) is { } failure)
        {
            if (!session.Client.IsV5)
            {
                // UNSUBACK of 3.1.1 can only say that it is done.
                session.Close(MqttReasonCode.ImplementationSpecificError, failure);
                return;
            }

            Array.Fill(codes, MqttReasonCode.ImplementationSpecificError);
            properties = new MqttProperties { ReasonString = failure };
        }
        else
        {
            await session.Delivery.PostAsync(() => Remove(session, packet, codes)).ConfigureAwait(false);
            foreach (string filter in packet.Filters)
            {
                await session.Delivery.Shares.LeaveAsync(filter).ConfigureAwait(false);
            }
        }

        await session.Replies.WriteAsync(
            new MqttUnsubackPacket { PacketId = packet.PacketId, ReasonCodes = codes, Properties = properties },
            session.Stopping).ConfigureAwait(false);
    }

    private static byte[] Record(MqttSession session, MqttUnsubscribePacket packet)
    {
        HashSet<string> gone = new(packet.Filters, StringComparer.Ordinal);
        return SessionRecordFormat.Write(SessionRecord.Of(session, subscriptions: session.Delivery.Subscriptions.Without(gone)));
    }

    private static void Remove(MqttSession session, MqttUnsubscribePacket packet, MqttReasonCode[] codes)
    {
        for (int i = 0; i < codes.Length; i++)
        {
            codes[i] = session.Delivery.Subscriptions.Remove(packet.Filters[i]) ? MqttReasonCode.Success
                : MqttReasonCode.NoSubscriptionExisted;
            session.Delivery.Retained.End(packet.Filters[i]);
        }

        session.Delivery.Cover();
        SubscribeHandler.Summarise(session);
    }
}
