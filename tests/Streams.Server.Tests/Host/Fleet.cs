using System.Text;
using Streams.Core;
using Streams.Gateways;

namespace Streams.Server.Tests;

/// <summary>A producer of plain test events in partition 0 of /fleet.</summary>
internal static class Fleet
{
    public static readonly StreamPath Path = StreamPath.Parse("/fleet");
    public static readonly StreamPartition Partition = new(Path, new PartitionId(0));
    private static readonly ProducerId Producer = ProducerId.ForName("car-17");

    /// <summary>Produces so many events in one batch and gives the offset of the first.</summary>
    public static async Task<long> ProduceAsync(IEventStore store, long firstSequence, int count)
    {
        await store.EnsureStreamAsync(Path, default);
        EventBatchBuilder builder = new();
        for (long sequence = firstSequence; sequence < firstSequence + count; sequence++)
        {
            builder.TryAdd("car-17/position"u8, default, default, Encoding.UTF8.GetBytes($"event {sequence}"), sequence);
        }

        EventBatch batch = builder.Build(new EventIdentity(Producer, 5, firstSequence), default, mayHaveTwins: false);
        ProduceResult result = await store.ProduceAsync(store.BeginProducer(Producer), Partition, AfterVector.Empty, batch, default);
        Assert.Equal((ProduceRefusal.None, ""), (result.Refusal, result.Detail));
        return Assert.Single(result.Placed).FirstOffset.Value;
    }

    /// <summary>How far a lane reaches here.</summary>
    public static long NextOffset(RunningHost server, Origin origin) =>
        server.Host.Store.Lanes(Partition).Where(l => l.Lane.Origin == origin).Select(l => l.NextOffset.Value).SingleOrDefault();
}
