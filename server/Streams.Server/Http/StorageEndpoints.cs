using System.Buffers;
using System.Text.Json;
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

    public static async Task LatestAsync(HttpContext context, Engine engine)
    {
        QueryReader query = new(context.Request);
        StreamPath stream = query.Stream();
        TopicName topic = query.Topic();
        if (query.Fault is { } fault)
        {
            await Problem.BadRequestAsync(context, fault);
        }
        else if (engine.Store.Settings(stream) is null)
        {
            await LaneEndpoints.UnknownStreamAsync(context, stream);
        }
        else if (await engine.Container.LatestAsync(stream, topic, context.RequestAborted) is not { } latest)
        {
            await Problem.NotFoundAsync(context, $"topic '{topic}' of stream {stream} has no event in this cluster");
        }
        else
        {
            await WriteAsync(context, topic, latest);
        }
    }

    private static async Task WriteAsync(HttpContext context, TopicName topic, LatestValue latest)
    {
        ArrayBufferWriter<byte> body = new();
        using (Utf8JsonWriter json = new(body))
        {
            json.WriteStartObject();
            json.WriteString("stream", latest.Lane.Partition.Stream.Value);
            json.WriteString("topic", topic.Value);
            json.WriteNumber("partition", latest.Lane.Partition.Partition.Value);
            json.WriteString("origin", latest.Lane.Origin.ToString());
            json.WriteNumber("offset", latest.Offset.Value);
            json.WriteNumber("timestamp", latest.TimestampMicroseconds);
            LaneReader.WriteContent(json, latest.Key, latest.Headers, latest.Payload);
            json.WriteEndObject();
        }

        context.Response.ContentType = Json.ContentType;
        context.Response.ContentLength = body.WrittenCount;
        context.Response.Headers.CacheControl = "no-store";
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await context.Response.Body.WriteAsync(body.WrittenMemory, context.RequestAborted);
        }
    }

    private static PartitionletAnswer Partitionlet(PartitionletStatus p) =>
        new(p.Container.ToString(), p.FirstEntry.Value, p.FirstOffset.Value, p.NextOffset.Value, p.Bytes, p.Sealed);
}
