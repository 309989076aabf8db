namespace Streams.Client;

/// <summary>Finds the timestamp of the oldest event that waits. Within a partition that is taken to be the first one: one look per
/// partition, however many events wait.</summary>
internal static class OldestEvent
{
    /// <summary>Looks; <see langword="null"/> when nothing waits.</summary>
    public static DateTimeOffset? Find(OutboxDatabase database)
    {
        using Statement select = database.Prepare("SELECT min(events.at), count(*) FROM partitions JOIN events ON events.id ="
            + " (SELECT min(id) FROM events WHERE id BETWEEN (partitions.id << 44) AND (((partitions.id + 1) << 44) - 1))"
            + " WHERE partitions.events > 0");
        return select.Step() && select.Long(1) > 0
            ? DateTimeOffset.UnixEpoch.AddTicks(select.Long(0) * TimeSpan.TicksPerMicrosecond) : null;
    }
}
