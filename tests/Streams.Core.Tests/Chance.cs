using Streams.Core;

namespace Streams.Core.Tests;

/// <summary>Random values of the system's words, from one seed.</summary>
internal sealed class Chance(int seed)
{
    private static readonly string[] Clusters = ["sj", "ny", "ldn", "a", "edge-7"];
    private static readonly string[] Topics = ["", "car-17/telemetry", "car-17/alarm", "größe/ü", "a/b/c/d/e/f"];

    public Random Random { get; } = new(seed);

    public int Below(int limit) => Random.Next(limit);

    public byte[] Bytes(int max)
    {
        byte[] bytes = new byte[Random.Next(max + 1)];
        Random.NextBytes(bytes);
        return bytes;
    }

    public string Topic() => Topics[Random.Next(Topics.Length)];

    public Origin Origin() => new(ClusterName.Parse(Clusters[Random.Next(Clusters.Length)]), new Incarnation((ulong)Random.Next(3)));

    public EventPlace Place() => new(Origin(), new Offset(Random.NextInt64(1L << Random.Next(1, 62))));

    public AfterVector After() => AfterVector.Of(Enumerable.Range(0, Random.Next(5)).Select(_ => Place()).DistinctBy(p => p.Origin));

    public ReplicationPath Path()
    {
        ReplicationPath path = ReplicationPath.StartingAt(Origin());
        for (int i = Random.Next(4); i > 0; i--)
        {
            path = path.Append(Origin());
        }

        return path;
    }

    public Cursor Cursor()
    {
        Cursor cursor = Random.Next(4) == 0
            ? new Cursor(new Generation(1 + Random.Next(2), Origin()), Core.Cursor.Start.Positions, Core.Cursor.Start.Jumps)
            : Core.Cursor.Start;
        for (int i = Random.Next(5); i > 0; i--)
        {
            cursor = cursor.With(Origin(), new Offset(1 + Random.Next(100)));
        }

        if (Random.Next(3) == 0)
        {
            int from = Random.Next(50);
            cursor = new Cursor(cursor.Generation, cursor.Positions,
                cursor.Jumps.Add(new CursorJump(Origin(), new Offset(from), new Offset(from + 1 + Random.Next(9)))));
        }

        return cursor;
    }

    public EventBatch Batch(BatchCompression compression = BatchCompression.None, int maxEvents = 20, int maxPayload = 200)
    {
        EventBatchBuilder builder = new();
        int count = 1 + Random.Next(maxEvents);
        for (int i = 0; i < count; i++)
        {
            byte[] headers = Random.Next(3) == 0 ? EventHeader.Encode([new EventHeader("trace", Bytes(30)), new EventHeader("b",
                Bytes(3))]) : [];
            builder.TryAdd(System.Text.Encoding.UTF8.GetBytes(Topic()), Random.Next(2) == 0 ? Bytes(20) : [], headers, Bytes(maxPayload),
                Random.NextInt64(), isRetained: Random.Next(4) == 0);
        }

        return builder.Build(new EventIdentity(ProducerId.Create(Random), (ulong)Random.NextInt64(), 1 + Random.NextInt64(1L << 40)),
            ((ulong)Random.NextInt64(), Random.Next(100)), Random.Next(2) == 0, compression);
    }
}
