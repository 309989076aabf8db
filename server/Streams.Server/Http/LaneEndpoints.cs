using Microsoft.AspNetCore.Http;
using Streams.Core;
using Streams.Gateways;

namespace Streams.Server;

/// <summary>Streams, lanes and cursors over HTTP: reading only.</summary>
internal static class LaneEndpoints
{
    public static Task StreamsAsync(HttpContext context, Engine engine)
    {
        List<StreamAnswer> streams = [];
        foreach (StreamPath path in engine.Store.Streams)
        {
            streams.Add(new StreamAnswer(path.Value, engine.Store.Settings(path)?.Partitions ?? 0));
        }

        return Json.WriteAsync(context, new StreamsAnswer(streams), ApiJson.Default.StreamsAnswer);
    }

    public static Task LanesAsync(HttpContext context, Engine engine)
    {
        QueryReader query = new(context.Request);
        StreamPath stream = query.Stream();
        if (query.Fault is { } fault)
        {
            return Problem.BadRequestAsync(context, fault);
        }

        if (engine.Store.Settings(stream) is not { } settings)
        {
            return UnknownStreamAsync(context, stream);
        }

        List<LaneAnswer> lanes = [];
        IReadOnlyList<DamagedRange> damaged = engine.Lanes.Damaged();
        for (int partition = 0; partition < settings.Partitions; partition++)
        {
            StreamPartition at = new(stream, new PartitionId(partition));
            foreach (LaneStatus lane in engine.Store.Lanes(at).OrderBy(l => l.Lane.Origin))
            {
                lanes.Add(new LaneAnswer(partition, lane.Lane.Origin.ToString(), lane.FirstOffset.Value, lane.NextOffset.Value,
                    lane.FirstEntry.Value, lane.NextEntry.Value, lane.Bytes, DamageEndpoints.Of(damaged, lane.Lane)));
            }
        }

        return Json.WriteAsync(context, new LanesAnswer(stream.Value, settings.Partitions, lanes), ApiJson.Default.LanesAnswer);
    }

    public static async Task ReadAsync(HttpContext context, Engine engine)
    {
        QueryReader query = new(context.Request);
        LaneId lane = Lane(query);
        Offset from = new(query.Number("from", 0, 0, long.MaxValue));
        int max = (int)query.Number("max", 1000, 1, LaneReader.MaxEvents);
        query.NotBoth("time", "from");
        DateTimeOffset? time = query.Has("time") ? query.Time("time") : null;
        TopicName? topic = query.Has("topic") ? query.Topic() : null;
        if (await FindAsync(context, engine, query, lane) is null)
        {
            return;
        }

        if (time is { } moment)
        {
            from = engine.For(lane.Partition).FindTime(lane, moment);
        }

        context.Response.ContentType = Json.ContentType;
        context.Response.Headers.CacheControl = "no-store";
        await LaneReader.WriteAsync(engine, lane, topic, from, max, context.Response.Body, context.RequestAborted);
    }

    public static async Task DigestAsync(HttpContext context, Engine engine)
    {
        QueryReader query = new(context.Request);
        LaneId lane = Lane(query);
        Offset from = new(query.Number("from", 0, 0, long.MaxValue));
        long to = query.Number("to", long.MaxValue, 0, long.MaxValue);
        if (await FindAsync(context, engine, query, lane) is not { } status)
        {
            return;
        }

        // What is behind the lane's end now is not waited for: the answer says how far it went.
        Offset end = new(Math.Min(to, status.NextOffset.Value));
        (long count, Offset next, string sha256) = await LaneDigest.ComputeAsync(engine.Store, lane, from, end, context.RequestAborted);
        DigestAnswer answer = new(lane.Partition.Stream.Value, lane.Partition.Partition.Value, lane.Origin.ToString(),
            from.Value, next.Value, count, sha256);
        await Json.WriteAsync(context, answer, ApiJson.Default.DigestAnswer);
    }

    public static Task CursorsAsync(HttpContext context, Engine engine)
    {
        QueryReader query = new(context.Request);
        ConsumerName consumer = query.Consumer();
        StreamPath stream = query.Stream();
        if (query.Fault is { } fault)
        {
            return Problem.BadRequestAsync(context, fault);
        }

        if (engine.Store.Settings(stream) is not { } settings)
        {
            return UnknownStreamAsync(context, stream);
        }

        List<CursorAnswer> cursors = [];
        for (int partition = 0; partition < settings.Partitions; partition++)
        {
            cursors.Add(Cursor(partition, engine.Store.Cursor(consumer, new StreamPartition(stream, new PartitionId(partition)))));
        }

        return Json.WriteAsync(context, new CursorsAnswer(consumer.Value, stream.Value, cursors), ApiJson.Default.CursorsAnswer);
    }

    public static Task UnknownStreamAsync(HttpContext context, StreamPath stream) =>
        Problem.NotFoundAsync(context, $"stream {stream} is not known in this cluster");

    public static LaneId Lane(QueryReader query) => new(new StreamPartition(query.Stream(), query.Partition()), query.Origin());

    public static async Task<LaneStatus?> FindAsync(HttpContext context, Engine engine, QueryReader query, LaneId lane)
    {
        if (query.Fault is { } fault)
        {
            await Problem.BadRequestAsync(context, fault);
            return null;
        }

        if (engine.Lanes.Lane(lane) is { } status)
        {
            return status;
        }

        await (engine.Store.Settings(lane.Partition.Stream) is null
            ? UnknownStreamAsync(context, lane.Partition.Stream)
            : Problem.NotFoundAsync(context, $"lane {lane} is not known in this cluster"));
        return null;
    }

    private static CursorAnswer Cursor(int partition, Cursor cursor) => new(
        partition,
        cursor.Generation.Number,
        cursor.Generation.Number == 0 ? null : cursor.Generation.RewoundAt.ToString(),
        [.. cursor.Positions.Select(p => new PositionAnswer(p.Key.ToString(), p.Value.Value))],
        [.. cursor.Jumps.Select(j => new JumpAnswer(j.Origin.ToString(), j.From.Value, j.To.Value))]);
}
