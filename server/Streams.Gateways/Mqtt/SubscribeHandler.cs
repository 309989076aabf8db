using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>SUBSCRIBE. A filter begins with what comes after it: for streams that the session did not read yet at the heads of their
/// lanes, for others it
/// names the heads that lie ahead of the session. A kept session is in the log, flushed, before SUBACK.</summary>
internal sealed class SubscribeHandler(GatewayServices services)
{
    /// <summary>Takes the filters and answers.</summary>
    public async ValueTask HandleAsync(MqttSession session, MqttSubscribePacket packet)
    {
        MqttReasonCode[] codes = new MqttReasonCode[packet.Subscriptions.Count];
        string? reason = null;
        byte[]? record = null;
        List<Subscription> before = [];
        session.StartDelivery();
        await session.Delivery.PostAsync(() =>
        {
            before = Replaced(session, packet);
            uint identifier = packet.Properties?.SubscriptionIdentifiers is [uint given, ..] ? given : 0;
            for (int i = 0; i < codes.Length; i++)
            {
                codes[i] = Subscribe(session, packet.Subscriptions[i], identifier, ref reason);
            }

            session.Delivery.Cover();
            Summarise(session);
            record = session.Client.UsesLog ? SessionRecordFormat.Write(SessionRecord.Of(session)) : null;
        }).ConfigureAwait(false);

        if (record is not null && await WriteAsync(session, record).ConfigureAwait(false) is { } failure)
        {
            reason = failure;
            codes = [.. codes.Select(static code => code < MqttReasonCode.UnspecifiedError ? MqttReasonCode.QuotaExceeded : code)];
            await session.Delivery.PostAsync(() => Undo(session, packet, before)).ConfigureAwait(false);
        }

        MqttProperties? properties = reason is not null && session.Client.IsV5 ? new MqttProperties { ReasonString = reason } : null;
        await session.Replies.WriteAsync(
            new MqttSubackPacket { PacketId = packet.PacketId, ReasonCodes = codes, Properties = properties },
            session.Stopping).ConfigureAwait(false);
    }

    /// <summary>After a change of filters, on the loop.</summary>
    public static void Summarise(MqttSession session)
    {
        session.FilterCount = session.Delivery.Subscriptions.Count;
        session.MarksOwnMessages = session.Delivery.Subscriptions.AnyNoLocal;
    }

    /// <summary>Writes the session's record; gives why it could not be written.</summary>
    public async ValueTask<string?> WriteAsync(MqttSession session, byte[] record)
    {
        try
        {
            await new SessionStore(services.Store, services.Time, services.Log).WriteAsync(session.Client.ClientId, record,
                session.Stopping).ConfigureAwait(false);
            return null;
        }
        catch (StreamsException e)
        {
            GatewayLog.SessionNotWritten(services.Log, session.Client.ClientId, e.Message);
            return e.Message;
        }
    }

    private MqttReasonCode Subscribe(MqttSession session, MqttSubscription wanted, uint identifier, ref string? reason)
    {
        SessionSubscriptions subscriptions = session.Delivery.Subscriptions;
        if (Refusal(session, wanted.Filter) is { } refusal)
        {
            reason = refusal.Reason;
            return refusal.Code;
        }

        if (!subscriptions.Contains(wanted.Filter) && subscriptions.Count >= services.Options.MaxSubscriptions)
        {
            reason = $"at most {services.Options.MaxSubscriptions} filters are taken";
            return MqttReasonCode.QuotaExceeded;
        }

        subscriptions.Set(new Subscription(wanted.Filter, wanted.Qos, identifier, wanted.NoLocal)
        {
            RetainAsPublished = wanted.RetainAsPublished,
            RetainHandling = wanted.RetainHandling,
            Starts = Begin(session, wanted.Filter),
        });
        return (MqttReasonCode)wanted.Qos;
    }

    private Answer? Refusal(MqttSession session, string filter)
    {
        if (filter.StartsWith("$share/", StringComparison.Ordinal))
        {
            return new Answer(MqttReasonCode.SharedSubscriptionsNotSupported, "shared subscriptions are not available, as announced");
        }

        if (filter.StartsWith('$'))
        {
            return new Answer(MqttReasonCode.NotAuthorized, "topics that begin with '$' belong to the system");
        }

        if (TopicFilter.CountLevels(filter) > TopicFilterTree<Subscription>.MaximumLevels
            || TopicFilter.FaultInFilter(filter, shares: false) is not null)
        {
            return new Answer(MqttReasonCode.TopicFilterInvalid,
                $"a filter has at most {TopicFilterTree<Subscription>.MaximumLevels} levels here");
        }

        int slash = filter.IndexOf('/', StringComparison.Ordinal);
        string first = slash < 0 ? filter : filter[..slash];
        StreamPath stream = first.Length == 0 ? TopicMap.Root
            : StreamPath.TryParse("/" + first, out StreamPath named, out _) ? named : default;
        ReadOnlySpan<char> rest = stream == default ? filter : slash < 0 ? default : filter.AsSpan(slash + 1);
        return services.Access.Allows(session.Client.Subject, AccessAction.Subscribe, stream, rest) ? null
            : new Answer(MqttReasonCode.NotAuthorized, "subscribing to this is not allowed");
    }

    // Streams read already: the heads ahead of the session, for this filter. Others: the base of the session.
    private Dictionary<StreamPartition, Dictionary<Origin, Offset>> Begin(MqttSession session, string filter)
    {
        Dictionary<StreamPartition, Dictionary<Origin, Offset>> starts = [];
        foreach (StreamPath stream in services.Store.Streams)
        {
            if (TopicMap.Prefix(stream) is not { } prefix || !TopicMap.MayMatch(filter, prefix))
            {
                continue;
            }

            bool isRead = session.Delivery.Subscriptions.Covers(prefix);
            for (int i = 0; i < (services.Store.Settings(stream)?.Partitions ?? 0); i++)
            {
                StreamPartition partition = new(stream, new PartitionId(i));
                if (isRead)
                {
                    AddAhead(starts, partition, session);
                }
                else
                {
                    session.Delivery.Subscriptions.Bases[partition] = Heads(partition);
                }
            }
        }

        return starts;
    }

    private void AddAhead(Dictionary<StreamPartition, Dictionary<Origin, Offset>> starts, StreamPartition partition, MqttSession session)
    {
        PartitionReading? reading = session.Delivery.Find(partition);
        Cursor begin = session.Delivery.Subscriptions.Bases.GetValueOrDefault(partition) ?? Cursor.Start;
        Dictionary<Origin, Offset> ahead = [];
        foreach (LaneStatus status in services.Store.Lanes(partition))
        {
            if ((reading?.Reader.Position(status.Lane.Origin) ?? begin[status.Lane.Origin]) < status.NextOffset)
            {
                ahead[status.Lane.Origin] = status.NextOffset;
            }
        }

        if (ahead.Count > 0)
        {
            starts[partition] = ahead;
        }
    }

    private Cursor Heads(StreamPartition partition)
    {
        Cursor cursor = Cursor.Start;
        foreach (LaneStatus status in services.Store.Lanes(partition))
        {
            cursor = status.NextOffset > Offset.Zero ? cursor.With(status.Lane.Origin, status.NextOffset) : cursor;
        }

        return cursor;
    }

    private static List<Subscription> Replaced(MqttSession session, MqttSubscribePacket packet)
    {
        List<Subscription> found = [];
        foreach (MqttSubscription wanted in packet.Subscriptions)
        {
            if (session.Delivery.Subscriptions.Find(wanted.Filter) is { } known)
            {
                found.Add(known);
            }
        }

        return found;
    }

    // As it was: filters that were there before the packet are there again, as they were.
    private static void Undo(MqttSession session, MqttSubscribePacket packet, List<Subscription> before)
    {
        SessionSubscriptions subscriptions = session.Delivery.Subscriptions;
        foreach (MqttSubscription wanted in packet.Subscriptions)
        {
            subscriptions.Remove(wanted.Filter);
        }

        foreach (Subscription subscription in before)
        {
            subscriptions.Set(subscription);
        }

        session.Delivery.Cover();
        Summarise(session);
    }
}
