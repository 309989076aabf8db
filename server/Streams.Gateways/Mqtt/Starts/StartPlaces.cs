using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>Where the new filters of one SUBSCRIBE begin in each lane.</summary>
/// <remarks>A session reads a partition once, for all of its filters, and does not go back for a new one: there is nothing before the
/// place where it is. A filter that asks for that is refused (<see cref="Fault"/>).</remarks>
internal sealed class StartPlaces(GatewayServices services, SubscriptionStart start)
{
    private readonly Dictionary<LaneId, Offset> _times = [];

    /// <summary>Whether they begin with what comes after them.</summary>
    public bool BeginNow => start.Kind == StartKind.Latest;

    /// <summary>Looks times up, before the session's loop needs them: that may read indexes.</summary>
    /// <exception cref="StreamsException">An index cannot be read.</exception>
    public void Prepare(IReadOnlyList<MqttSubscription> filters)
    {
        if (start.Kind != StartKind.Time)
        {
            return;
        }

        foreach (StreamPartition partition in Covered(filters))
        {
            foreach (LaneStatus status in services.Store.Lanes(partition))
            {
                _times[status.Lane] = services.Store.FindTime(status.Lane, start.Time);
            }
        }
    }

    /// <summary>The cursors of the session's client that stand behind where its new filters begin, as they must be: rewound (rule R11).
    /// They are of an earlier session, or of a filter that is gone. On the session's loop.</summary>
    public List<(StreamPartition Partition, Cursor Rewound)> Rewinds(MqttSession session, IReadOnlyList<MqttSubscription> filters)
    {
        List<(StreamPartition, Cursor)> rewinds = [];
        if (!session.Client.UsesLog)
        {
            return rewinds;
        }

        foreach (StreamPartition partition in Covered(filters))
        {
            Cursor known = services.Store.Cursor(session.Client.CursorName, partition);
            Cursor begin = Begin(partition, null);
            if (!session.Delivery.Subscriptions.Covers(TopicMap.Prefix(partition.Stream)!) && IsBehind(known, begin))
            {
                Generation next = new(known.Generation.Number + 1, services.Store.Origin);
                rewinds.Add((partition, new Cursor(next, begin.Positions, [])));
            }
        }

        return rewinds;
    }

    /// <summary>Why a new filter cannot begin there; <see langword="null"/> when it can. On the session's loop.</summary>
    public string? Fault(MqttSession session, string filter)
    {
        if (start.Kind == StartKind.Latest)
        {
            return null;
        }

        bool knowsCursor = false;
        bool coversAny = false;
        foreach (StreamPartition partition in Covered([new MqttSubscription(filter)]))
        {
            coversAny = true;
            knowsCursor |= start.Kind == StartKind.Cursor && services.Store.Cursor(start.Consumer, partition).Positions.Count > 0;
            if (!session.Delivery.Subscriptions.Covers(TopicMap.Prefix(partition.Stream)!))
            {
                continue;
            }

            foreach (LaneStatus status in services.Store.Lanes(partition))
            {
                if (In(status) < Position(session, status.Lane))
                {
                    return $"this session reads {partition.Stream} already and does not go back: subscribe together with its other filters"
                        + ", or with another client id";
                }
            }
        }

        return start.Kind == StartKind.Cursor && coversAny && !knowsCursor
            ? $"no cursor '{start.Consumer}' is known here of what the filter covers: name a consumer that has one" : null;
    }

    /// <summary>Sets where a new filter begins, on the session's loop. Streams read already: gives what lies ahead of the session, for this
    /// filter. Others: the base of the session.</summary>
    public Dictionary<StreamPartition, Dictionary<Origin, Offset>> Set(MqttSession session, string filter)
    {
        Dictionary<StreamPartition, Dictionary<Origin, Offset>> starts = [];
        foreach (StreamPartition partition in Covered([new MqttSubscription(filter)]))
        {
            Dictionary<Origin, Offset> ahead = [];
            if (session.Delivery.Subscriptions.Covers(TopicMap.Prefix(partition.Stream)!))
            {
                foreach (LaneStatus status in services.Store.Lanes(partition))
                {
                    if (In(status) is var offset && offset > Position(session, status.Lane))
                    {
                        ahead[status.Lane.Origin] = offset;
                    }
                }
            }
            else
            {
                session.Delivery.Subscriptions.Bases[partition] = Begin(partition, ahead);
            }

            if (ahead.Count > 0)
            {
                starts[partition] = ahead;
            }
        }

        return starts;
    }

    // A session is never ahead of a lane: what it is to leave out of what is still to come goes to ahead.
    private Cursor Begin(StreamPartition partition, Dictionary<Origin, Offset>? ahead)
    {
        Cursor cursor = Cursor.Start;
        foreach (LaneStatus status in services.Store.Lanes(partition))
        {
            Offset offset = In(status);
            if (offset > status.NextOffset)
            {
                ahead?.Add(status.Lane.Origin, offset);
                offset = status.NextOffset;
            }

            cursor = offset > Offset.Zero ? cursor.With(status.Lane.Origin, offset) : cursor;
        }

        return cursor;
    }

    private Offset In(in LaneStatus status) => start.In(status, start.Kind switch
    {
        StartKind.Time => _times.GetValueOrDefault(status.Lane),
        StartKind.Cursor => services.Store.Cursor(start.Consumer, status.Lane.Partition)[status.Lane.Origin],
        _ => Offset.Zero,
    });

    private static Offset Position(MqttSession session, LaneId lane) =>
        session.Delivery.Find(lane.Partition)?.Reader.Position(lane.Origin)
        ?? (session.Delivery.Subscriptions.Bases.GetValueOrDefault(lane.Partition) ?? Cursor.Start)[lane.Origin];

    private static bool IsBehind(Cursor known, Cursor begin)
    {
        foreach ((Origin origin, Offset offset) in known.Positions)
        {
            if (offset > begin[origin])
            {
                return true;
            }
        }

        return false;
    }

    private IEnumerable<StreamPartition> Covered(IReadOnlyList<MqttSubscription> filters)
    {
        foreach (StreamPath stream in services.Store.Streams)
        {
            if (TopicMap.Prefix(stream) is not { } prefix || !filters.Any(f => TopicMap.MayMatch(f.Filter, prefix)))
            {
                continue;
            }

            for (int i = 0; i < (services.Store.Settings(stream)?.Partitions ?? 0); i++)
            {
                yield return new StreamPartition(stream, new PartitionId(i));
            }
        }
    }
}
