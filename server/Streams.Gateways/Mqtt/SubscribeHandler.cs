using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>SUBSCRIBE. A new filter begins with what comes after it, or where the client says (<see cref="StartPlaces"/>). A kept session
/// is in the log, flushed, before SUBACK; retained messages follow behind that.</summary>
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
        SubscriptionStart.TryRead(packet.Properties, out SubscriptionStart start, out string? fault);
        StartPlaces places = new(services, start);
        fault ??= start.Kind == StartKind.Latest ? null : await PrepareAsync(session, packet, places).ConfigureAwait(false);
        if (fault is not null)
        {
            Array.Fill(codes, MqttReasonCode.ImplementationSpecificError);
            await AnswerAsync(session, packet.PacketId, codes, fault).ConfigureAwait(false);
            return;
        }

        Dictionary<string, Answer> unshared = await JoinAsync(session, packet).ConfigureAwait(false);
        await session.Delivery.PostAsync(() =>
        {
            before = Replaced(session, packet);
            uint identifier = packet.Properties?.SubscriptionIdentifiers is [uint given, ..] ? given : 0;
            for (int i = 0; i < codes.Length; i++)
            {
                codes[i] = Subscribe(session, packet.Subscriptions[i], identifier, places, unshared, ref reason);
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
        await AnswerAsync(session, packet.PacketId, codes, reason).ConfigureAwait(false);
        await session.Delivery.PostAsync(session.Delivery.Retained.Start).ConfigureAwait(false);
    }

    /// <summary>After a change of filters, on the loop.</summary>
    public static void Summarise(MqttSession session)
    {
        session.FilterCount = session.Delivery.Subscriptions.Count;
        session.MarksOwnMessages = session.Delivery.Subscriptions.AnyNoLocal;
    }

    /// <summary>Writes the record anew when the client was sent the retained messages that it was owed: else it would be sent them again
    /// where a killed server left its session. When that fails it stands in the next record.</summary>
    public async ValueTask WriteNewsAsync(MqttSession session)
    {
        if (session.Client.UsesLog && session.Delivery.Retained.TakeNews())
        {
            byte[] record = [];
            await session.Delivery.PostAsync(() => record = SessionRecordFormat.Write(SessionRecord.Of(session))).ConfigureAwait(false);
            await WriteAsync(session, record).ConfigureAwait(false);
        }
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

    // Where the filters begin, so far as that costs I/O; gives why it cannot be.
    private async ValueTask<string?> PrepareAsync(MqttSession session, MqttSubscribePacket packet, StartPlaces places)
    {
        try
        {
            places.Prepare(packet.Subscriptions);
            List<(StreamPartition Partition, Cursor Rewound)> rewinds = [];
            await session.Delivery.PostAsync(() => rewinds = places.Rewinds(session, packet.Subscriptions)).ConfigureAwait(false);
            await Task.WhenAll(rewinds.Select(rewind => services.Store.CommitAsync(session.Client.CursorName, rewind.Partition,
                rewind.Rewound, session.Stopping).AsTask())).ConfigureAwait(false);
            return null;
        }
        catch (StreamsException e)
        {
            return $"where the filters begin cannot be found: {e.Message}";
        }
    }

    private static ValueTask AnswerAsync(MqttSession session, ushort packetId, MqttReasonCode[] codes, string? reason)
    {
        MqttProperties? properties = reason is not null && session.Client.IsV5 ? new MqttProperties { ReasonString = reason } : null;
        return session.Replies.WriteAsync(new MqttSubackPacket { PacketId = packetId, ReasonCodes = codes, Properties = properties },
            session.Stopping);
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

    private MqttReasonCode Subscribe(MqttSession session, MqttSubscription wanted, uint identifier, StartPlaces places,
        Dictionary<string, Answer> unshared, ref string? reason)
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

        if (ShareName.IsShared(wanted.Filter))
        {
            return SubscribeShared(subscriptions, wanted, identifier, places, ref reason);
        }

        Subscription? before = subscriptions.Find(wanted.Filter);
        if (before is null && places.Fault(session, wanted.Filter) is { } fault)
        {
            reason = fault;
            return MqttReasonCode.ImplementationSpecificError;
        }

        // Where it begins is known before what is retained is looked at: what comes between is given by the lane.
        Dictionary<StreamPartition, Dictionary<Origin, Offset>> starts = before?.Starts ?? places.Set(session, wanted.Filter);
        bool owes = RetainedRule.AreSent(wanted.RetainHandling, before is null)
            ? session.Delivery.Retained.Begin(wanted.Filter) && session.Client.UsesLog : before?.RetainedOwedFrom is not null;
        subscriptions.Set(new Subscription(wanted.Filter, wanted.Qos, identifier, wanted.NoLocal)
        {
            RetainAsPublished = wanted.RetainAsPublished,
            RetainHandling = wanted.RetainHandling,
            RetainedOwedFrom = owes ? string.Empty : null,
            Starts = starts,
        });
        return (MqttReasonCode)wanted.Qos;
    }

    // The group knows where it is; QoS 2 is not given by groups.
    private static MqttReasonCode SubscribeShared(SessionSubscriptions subscriptions, MqttSubscription wanted, uint identifier,
        StartPlaces places, ref string? reason)
    {
        if (!places.BeginNow)
        {
            reason = "a shared subscription goes on where it is: 'start' is not for it";
            return MqttReasonCode.ImplementationSpecificError;
        }

        MqttQos qos = wanted.Qos > MqttQos.AtLeastOnce ? MqttQos.AtLeastOnce : wanted.Qos;
        subscriptions.Set(new Subscription(wanted.Filter, qos, identifier, wanted.NoLocal)
        {
            RetainAsPublished = wanted.RetainAsPublished,
            RetainHandling = wanted.RetainHandling,
            Starts = [],
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

        if ((services.TopicLimits.FaultInFilter(filter) ?? TopicFilter.FaultInFilter(filter, shares: false)) is { } wrong)
        {
            return new Answer(MqttReasonCode.TopicFilterInvalid, wrong);
        }

        int slash = filter.IndexOf('/', StringComparison.Ordinal);
        string first = slash < 0 ? filter : filter[..slash];
        StreamPath stream = first.Length == 0 ? TopicMap.Root
            : StreamPath.TryParse("/" + first, out StreamPath named, out _) ? named : default;
        ReadOnlySpan<char> rest = stream == default ? filter : slash < 0 ? default : filter.AsSpan(slash + 1);
        return services.Access.Allows(session.Client.Subject, AccessAction.Subscribe, stream, rest) ? null
            : new Answer(MqttReasonCode.NotAuthorized, "subscribing to this is not allowed");
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
            session.Delivery.Retained.End(wanted.Filter);
        }

        foreach (Subscription subscription in before)
        {
            subscriptions.Set(subscription);
            if (subscription.RetainedOwedFrom is not null)
            {
                session.Delivery.Retained.Begin(subscription.Filter);
            }
        }

        session.Delivery.Cover();
        Summarise(session);
    }
}
