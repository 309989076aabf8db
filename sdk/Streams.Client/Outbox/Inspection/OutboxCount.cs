using System.Runtime.InteropServices;
using System.Text;
using Streams.Core;

namespace Streams.Client;

/// <summary>Counts what an outbox's file holds. In a file that is in use the parts are read one after another: the figures of different
/// parts may be of different moments.</summary>
internal sealed class OutboxCount(OutboxReading reading)
{
    private const int RowsAtOnce = 4096;
    private const int MaxTopics = 100_000;

    private readonly Dictionary<long, (long Events, long Bytes, long First, long Last, long Oldest)> _waiting = [];
    private readonly Dictionary<long, long> _refused = [];
    private readonly Dictionary<ulong, long> _epochs = [];
    private readonly Dictionary<long, long> _sealed = [];
    private readonly Dictionary<(long Stream, string Topic), (long Events, long Bytes, long Oldest)> _topics = [];

    /// <summary>Counts.</summary>
    /// <param name="reading">The file.</param>
    /// <param name="topics">How many topics to name.</param>
    public static OutboxSummary Of(OutboxReading reading, int topics) => new OutboxCount(reading).Run(topics);

    private OutboxSummary Run(int topics)
    {
        bool inUse = reading.IsInUse;
        CountWaiting();
        IReadOnlyList<KeptRefusal> refused = CountRefused();
        List<KeptPartitionCount> partitions = Partitions();
        List<KeptTopicCount> all = Topics(partitions);
        (ProducerId? producer, bool clean) = Meta();
        return new OutboxSummary(reading.Path, reading.Format, producer, inUse, clean,
            reading.Bytes, _waiting.Values.Sum(static w => w.Events),
            _waiting.Values.Sum(static w => w.Bytes),
            _waiting.Count == 0 ? null : KeptTime.Of(_waiting.Values.Min(static w => w.Oldest)), Openings(), partitions,
            [.. all.Take(topics)], all.Count, refused, Consumers(),
            [.. _sealed.Select(s => new KeptSealed(KeyName(s.Key), s.Value)).OrderBy(static s => s.Key, StringComparer.Ordinal)]);
    }

    private void CountWaiting()
    {
        long behind = long.MinValue;
        int read = RowsAtOnce;
        using Statement select = reading.Prepare($"SELECT id, epoch, at, bytes, topic, {(reading.Format > 3 ? "seal" : "NULL")} FROM events"
            + $" WHERE id>? ORDER BY id LIMIT {RowsAtOnce}");
        while (read == RowsAtOnce)
        {
            read = 0;
            select.Bind(1, behind);
            while (select.Step())
            {
                read++;
                behind = select.Long(0);
                if (!select.IsNull(5))
                {
                    CollectionsMarshal.GetValueRefOrAddDefault(_sealed, select.Long(5), out _)++;
                }

                Count(behind, unchecked((ulong)select.Long(1)), select.Long(2), select.Long(3), select.Blob(4));
            }

            select.Reset();
        }
    }

    private string KeyName(long id)
    {
        using Statement select = reading.Prepare("SELECT name FROM keys WHERE id=?");
        return select.Bind(1, id).Step() ? select.Text(0) : "(name lost)";
    }

    private void Count(long id, ulong epoch, long at, long bytes, ReadOnlySpan<byte> topic)
    {
        long row = id >> OutboxDatabase.SequenceBits;
        long sequence = OutboxDatabase.SequenceOf(id);
        ref (long Events, long Bytes, long First, long Last, long Oldest) partition =
            ref CollectionsMarshal.GetValueRefOrAddDefault(_waiting, row, out bool known);
        partition = known
            ? (partition.Events + 1, partition.Bytes + bytes, partition.First, sequence, Math.Min(partition.Oldest, at))
            : (1, bytes, sequence, sequence, at);
        CollectionsMarshal.GetValueRefOrAddDefault(_epochs, epoch, out _)++;
        (long, string) key = (row, Encoding.UTF8.GetString(topic));
        if (_topics.Count < MaxTopics || _topics.ContainsKey(key))
        {
            ref (long Events, long Bytes, long Oldest) counted = ref CollectionsMarshal.GetValueRefOrAddDefault(_topics, key, out known);
            counted = known ? (counted.Events + 1, counted.Bytes + bytes, Math.Min(counted.Oldest, at)) : (1, bytes, at);
        }
    }

    private List<KeptRefusal> CountRefused()
    {
        List<KeptRefusal> refused = [];
        if (!reading.HasTable("refused"))
        {
            return refused;
        }

        using (Statement rows = reading.Prepare(
            $"SELECT id >> {OutboxDatabase.SequenceBits}, count(*) FROM refused GROUP BY id >> {OutboxDatabase.SequenceBits}"))
        {
            while (rows.Step())
            {
                _refused[rows.Long(0)] = rows.Long(1);
            }
        }

        using Statement reasons = reading.Prepare(
            "SELECT reason, count(*), sum(bytes) FROM refused GROUP BY reason ORDER BY count(*) DESC, reason LIMIT 100");
        while (reasons.Step())
        {
            refused.Add(new KeptRefusal(reasons.Text(0), reasons.Long(1), reasons.Long(2)));
        }

        return refused;
    }

    private List<KeptPartitionCount> Partitions()
    {
        List<KeptPartitionCount> partitions = [];
        using Statement select = reading.Prepare("SELECT id, stream, partition, next FROM partitions ORDER BY id");
        using Statement stand = reading.Prepare("SELECT origin, offset FROM stand WHERE partition=? ORDER BY turn");
        while (select.Step())
        {
            long row = select.Long(0);
            List<string> places = [];
            stand.Bind(1, row);
            while (stand.Step())
            {
                places.Add($"{stand.Text(0)}:{stand.Long(1)}");
            }

            stand.Reset();
            bool waits = _waiting.TryGetValue(row, out (long Events, long Bytes, long First, long Last, long Oldest) w);
            partitions.Add(new KeptPartitionCount(row, $"{select.Text(1)}#{select.Long(2)}", select.Long(3), w.Events, w.Bytes, w.First,
                w.Last, waits ? KeptTime.Of(w.Oldest) : null, _refused.GetValueOrDefault(row), places));
        }

        return partitions;
    }

    private List<KeptOpening> Openings()
    {
        List<KeptOpening> openings = [];
        using Statement select = reading.Prepare("SELECT epoch, at FROM openings ORDER BY at DESC");
        while (select.Step())
        {
            ulong epoch = unchecked((ulong)select.Long(0));
            openings.Add(new KeptOpening(epoch, KeptTime.Of(select.Long(1) * 1000), _epochs.GetValueOrDefault(epoch)));
        }

        return openings;
    }

    // A topic is of a stream, and the same in all its partitions.
    private List<KeptTopicCount> Topics(List<KeptPartitionCount> partitions)
    {
        Dictionary<long, string> streams = partitions.ToDictionary(static p => p.Row, static p => p.Name[..p.Name.LastIndexOf('#')]);
        return
        [
            .. _topics.GroupBy(t => (Stream: streams.GetValueOrDefault(t.Key.Stream, "(lost)"), t.Key.Topic))
                .Select(static g => new KeptTopicCount(g.Key.Stream, g.Key.Topic, g.Sum(static t => t.Value.Events),
                    g.Sum(static t => t.Value.Bytes), KeptTime.Of(g.Min(static t => t.Value.Oldest))))
                .OrderByDescending(static t => t.Events).ThenBy(static t => t.Topic, StringComparer.Ordinal),
        ];
    }

    private List<KeptConsumer> Consumers()
    {
        List<KeptConsumer> consumers = [];
        using Statement select = reading.Prepare("SELECT name, stream, (SELECT count(*) FROM cursors WHERE consumer=consumers.id)"
            + " FROM consumers ORDER BY name, stream");
        while (select.Step())
        {
            consumers.Add(new KeptConsumer(select.Text(0), select.Text(1), (int)select.Long(2)));
        }

        return consumers;
    }

    private (ProducerId? Producer, bool Clean) Meta()
    {
        using Statement select = reading.Prepare("SELECT value FROM meta WHERE key='producer'");
        ProducerId? producer = select.Step() && select.Blob(0) is { Length: ProducerId.Size } kept ? ProducerId.Read(kept) : null;
        return (producer, reading.Scalar("SELECT value FROM meta WHERE key='clean'") == 1);
    }
}
