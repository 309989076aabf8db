using Streams.Core;

namespace Streams.Gateways;

/// <summary>The streams that one MQTT session reads: which its filters cover, and which of them have news. Belongs to the session's
/// delivery loop,
/// except for the flags that the store's threads set.</summary>
internal sealed class StreamReadings(GatewayServices services, IConsumer client, SessionSubscriptions subscriptions, Action wake)
    : IDisposable
{
    private readonly Dictionary<StreamPath, StreamReading> _streams = [];

    /// <summary>Told of each partition that is not read any more.</summary>
    public Action<StreamPartition>? Ended { get; set; }

    /// <summary>All partitions read.</summary>
    public IEnumerable<PartitionReading> Partitions => _streams.Values.SelectMany(static s => s.Partitions);

    /// <summary>Whether the session reads a stream already.</summary>
    public StreamReading? Find(StreamPath stream) => _streams.GetValueOrDefault(stream);

    /// <summary>Begins with streams that filters cover now, ends with those that none covers any more.</summary>
    public void Cover()
    {
        foreach (StreamPath stream in services.Store.Streams)
        {
            bool covered = TopicMap.Prefix(stream) is { } prefix && subscriptions.Covers(prefix);
            if (covered && !_streams.ContainsKey(stream))
            {
                StreamReading reading = new();
                _streams.Add(stream, reading);
                reading.Watch = services.Store.Watch(stream, () =>
                {
                    reading.HasNews = true;
                    wake();
                });
            }
            else if (!covered && _streams.Remove(stream, out StreamReading? ended))
            {
                ended.Watch?.Dispose();
                foreach (PartitionReading partition in ended.Partitions)
                {
                    partition.Reader.DropReadAhead();
                    partition.IsEnded = true;
                    Ended?.Invoke(partition.Partition);
                    subscriptions.Bases.Remove(partition.Partition);
                }
            }
        }
    }

    /// <summary>Looks at the streams with news: gives their partitions, which know of it then.</summary>
    public IEnumerable<PartitionReading> TakeNews()
    {
        foreach ((StreamPath stream, StreamReading reading) in _streams)
        {
            if (!reading.HasNews)
            {
                continue;
            }

            reading.HasNews = false;
            AddPartitions(stream, reading);
            foreach (PartitionReading partition in reading.Partitions)
            {
                Look(partition);
                yield return partition;
            }
        }
    }

    /// <summary>No more news.</summary>
    public void Dispose()
    {
        foreach (StreamReading reading in _streams.Values)
        {
            reading.Watch?.Dispose();
            reading.Partitions.ForEach(static p => p.Reader.DropReadAhead());
        }
    }

    // A session that is kept begins where its cursor is, but never before the place where it began to read the stream.
    private void AddPartitions(StreamPath stream, StreamReading reading)
    {
        int count = services.Store.Settings(stream)?.Partitions ?? 0;
        while (reading.Partitions.Count < count)
        {
            StreamPartition partition = new(stream, new PartitionId(reading.Partitions.Count));
            Cursor cursor = client.UsesLog ? services.Store.Cursor(client.CursorName, partition) : Cursor.Start;
            if (subscriptions.Bases.TryGetValue(partition, out Cursor? begin))
            {
                foreach ((Origin origin, Offset offset) in begin.Positions)
                {
                    cursor = offset > cursor[origin] ? cursor.With(origin, offset) : cursor;
                }
            }

            reading.Partitions.Add(
                new PartitionReading(services, partition, TopicMap.Prefix(stream)!, subscriptions, client.Subject, cursor));
        }
    }

    private void Look(PartitionReading partition)
    {
        foreach (LaneStatus status in partition.View.Look())
        {
            partition.Reader.See(status);
        }

        if (client.UsesLog)
        {
            partition.IsRewound |= partition.Reader.Observe(services.Store.Cursor(client.CursorName, partition.Partition));
        }
    }
}

/// <summary>One stream as one MQTT session reads it.</summary>
internal sealed class StreamReading
{
    private volatile bool _hasNews = true;

    /// <summary>Its partitions.</summary>
    public List<PartitionReading> Partitions { get; } = [];

    /// <summary>Tells of news.</summary>
    public IDisposable? Watch { get; set; }

    /// <summary>Whether something came; set by the store's threads.</summary>
    public bool HasNews
    {
        get => _hasNews;
        set => _hasNews = value;
    }
}
