using Microsoft.AspNetCore.Http;
using Streams.Core;
using Streams.Storage;

namespace Streams.Server;

/// <summary>What only the container knows, over HTTP: topics and chains of partitionlets.</summary>
internal static class StorageEndpoints
{
    /// <summary>Most topics of one answer: some megabytes.</summary>
    public const int MaxTopics = 100_000;

    public static Task TopicsAsync(HttpContext context, Engine engine)
    {
        QueryReader query = new(context.Request);
        StreamPath stream = query.Stream();
        int max = (int)query.Number("max", 1000, 1, MaxTopics);
        if (query.Fault is { } fault)
        {
            return Problem.BadRequestAsync(context, fault);
        }

        if (engine.Store.Settings(stream) is null)
        {
            return LaneEndpoints.UnknownStreamAsync(context, stream);
        }

        int count = engine.Container.TopicCount(stream);
        string[] topics = [.. engine.Container.Topics(stream, max).Select(t => t.Topic.Value)];
        Array.Sort(topics, StringComparer.Ordinal);
        TopicsAnswer answer = new(stream.Value, count, count > topics.Length, topics);
        return Json.WriteAsync(context, answer, ApiJson.Default.TopicsAnswer);
    }

    public static Task ChainsAsync(HttpContext context, Engine engine)
    {
        QueryReader query = new(context.Request);
        StreamPath stream = query.Stream();
        if (query.Fault is { } fault)
        {
            return Problem.BadRequestAsync(context, fault);
        }

        if (engine.Store.Settings(stream) is not { } settings)
        {
            return LaneEndpoints.UnknownStreamAsync(context, stream);
        }

        List<ChainAnswer> chains = [];
        for (int partition = 0; partition < settings.Partitions; partition++)
        {
            StreamPartition at = new(stream, new PartitionId(partition));
            foreach (LaneStatus lane in engine.Store.Lanes(at).OrderBy(l => l.Lane.Origin))
            {
                PartitionletAnswer[] chain = [.. engine.For(at).Chain(lane.Lane).Select(Partitionlet)];
                chains.Add(new ChainAnswer(partition, lane.Lane.Origin.ToString(), chain));
            }
        }

        return Json.WriteAsync(context, new ChainsAnswer(stream.Value, chains), ApiJson.Default.ChainsAnswer);
    }

    private static PartitionletAnswer Partitionlet(PartitionletStatus p) =>
        new(p.Container.ToString(), p.FirstEntry.Value, p.FirstOffset.Value, p.NextOffset.Value, p.Bytes, p.Sealed);
}
