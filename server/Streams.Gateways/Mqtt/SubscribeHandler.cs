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
        Dictionary<string, Answer> unshared = await JoinAsync(session, packet).ConfigureAwait(false);
        await session.Delivery.PostAsync(() =>
        {
            before = Replaced(session, packet);
            uint identifier = packet.Properties?.SubscriptionIdentifiers is [uint given, ..] ? given : 0;
            for (int i = 0; i < codes.Length; i++)
            {
                codes[i] = Subscribe(session, packet.Subscriptions[i], identifier, unshared, ref reason);
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

        await LeaveAsync(session, packet).ConfigureAwait(false);

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

    /// <summary>Makes a session that is kept a member of its shared subscriptions again; tells why it cannot be.</summary>
    /// <exception cref="StreamsException">The store does not take it now.</exception>
    public static async ValueTask<Answer?> JoinAgainAsync(MqttSession session, CancellationToken cancellationToken)
    {
        foreach (Subscription subscription in session.Delivery.Subscriptions.All)
        {
            if (ShareName.IsShared(subscription.Filter) && ShareName.Parse(subscription.Filter) is { } name
                && await session.Delivery.Shares.JoinAsync(name, cancellationToken).ConfigureAwait(false) is { } refusal)
            {
                return refusal;
            }
        }

        return null;
    }

    // Members first: a group is in the log before SUBACK. Gives the shared filters of which the session is none.
    private async ValueTask<Dictionary<string, Answer>> JoinAsync(MqttSession session, MqttSubscribePacket packet)
    {
        Dictionary<string, Answer> refusals = [];
        foreach (MqttSubscription wanted in packet.Subscriptions)
        {
            if (!ShareName.IsShared(wanted.Filter) || Refusal(session, wanted.Filter) is not null)
            {
                continue;
            }

            try
            {
                ShareName name = ShareName.Parse(wanted.Filter)!;
                if (await session.Delivery.Shares.JoinAsync(name, session.Stopping).ConfigureAwait(false) is { } refusal)
                {
                    refusals[wanted.Filter] = refusal;
                }
            }
            catch (StreamsException e)
            {
                GatewayLog.SessionNotWritten(services.Log, session.Client.ClientId, e.Message);
                refusals[wanted.Filter] = new Answer(MqttReasonCode.QuotaExceeded, e.Message);
            }
        }

        return refusals;
    }

    // Of what was not taken in the end the session is no member either.
    private static async ValueTask LeaveAsync(MqttSession session, MqttSubscribePacket packet)
    {
        foreach (MqttSubscription wanted in packet.Subscriptions)
        {
            if (session.Delivery.Shares.Find(wanted.Filter) is null)
            {
                continue;
            }

            bool isTaken = false;
            await session.Delivery.PostAsync(() => isTaken = session.Delivery.Subscriptions.Contains(wanted.Filter)).ConfigureAwait(false);
            if (!isTaken)
            {
                await session.Delivery.Shares.LeaveAsync(wanted.Filter).ConfigureAwait(false);
            }
        }
    }

    private MqttReasonCode Subscribe(MqttSession session, MqttSubscription wanted, uint identifier, Dictionary<string, Answer> unshared,
        ref string? reason)
    {
        SessionSubscriptions subscriptions = session.Delivery.Subscriptions;
        if (Refusal(session, wanted.Filter) is { } refusal || unshared.TryGetValue(wanted.Filter, out refusal))
        {
            reason = refusal.Reason;
            return refusal.Code;
        }

        if (!subscriptions.Contains(wanted.Filter) && subscriptions.Count >= services.Options.MaxSubscriptions)
        {
            reason = $"at most {services.Options.MaxSubscriptions} filters are taken";
            return MqttReasonCode.QuotaExceeded;
        }

        MqttQos qos = wanted.Qos > MqttQos.AtLeastOnce ? MqttQos.AtLeastOnce : wanted.Qos;
        subscriptions.Set(new Subscription(wanted.Filter, qos, identifier, wanted.NoLocal)
        {
            RetainAsPublished = wanted.RetainAsPublished,
            RetainHandling = wanted.RetainHandling,
            Starts = ShareName.IsShared(wanted.Filter) ? [] : Begin(session, wanted.Filter),
        });
        return (MqttReasonCode)qos;
    }

    private Answer? Refusal(MqttSession session, string filter)
    {
        if (ShareName.IsShared(filter))
        {
            return ShareName.Parse(filter) is { } name ? Refusal(session, name.Filter)
                : new Answer(MqttReasonCode.TopicFilterInvalid, "a shared filter is $share/{group}/{filter}, the group without wildcards");
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
