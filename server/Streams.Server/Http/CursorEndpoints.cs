using System.Globalization;
using Microsoft.AspNetCore.Http;
using Streams.Core;
using Streams.Gateways;

namespace Streams.Server;

/// <summary>Cursors over HTTP: GET tells where a consumer is, POST moves it, back or forth.</summary>
/// <remarks>A move is a new generation of the cursor (rule R11): it wins whole in every cluster, and consumers that read now start again
/// from it. Lanes that are not here yet begin at their beginning.</remarks>
internal static class CursorEndpoints
{
    public const string Route = "/api/v1/cursors";

    public static async Task AnswerAsync(HttpContext context, Engine engine)
    {
        if (HttpMethods.IsPost(context.Request.Method) && !await MoveAsync(context, engine))
        {
            return;
        }

        await LaneEndpoints.CursorsAsync(context, engine);
    }

    private static async Task<bool> MoveAsync(HttpContext context, Engine engine)
    {
        QueryReader query = new(context.Request);
        ConsumerName consumer = query.Consumer();
        StreamPath stream = query.Stream();
        bool one = query.Has("partition");
        int first = one ? query.Partition().Value : 0;
        if (Target.Read(query, context.Request.Query["to"].ToString(), one) is not { } target || query.Fault is not null)
        {
            await Problem.BadRequestAsync(context, query.Fault
                ?? "parameter 'to': must be earliest, latest, a time as in 2026-01-31T08:30:00Z, or an offset with 'partition' and"
                    + " 'origin'");
            return false;
        }

        if (engine.Store.Settings(stream) is not { } settings)
        {
            await LaneEndpoints.UnknownStreamAsync(context, stream);
            return false;
        }

        if (first >= settings.Partitions)
        {
            await Problem.NotFoundAsync(context, $"stream {stream} has {settings.Partitions} partitions, from 0 on");
            return false;
        }

        List<(StreamPartition Partition, Cursor Moved)> moves = [];
        for (int i = first; i < (one ? first + 1 : settings.Partitions); i++)
        {
            StreamPartition partition = new(stream, new PartitionId(i));
            Cursor known = engine.Store.Cursor(consumer, partition);
            if (target.Move(engine, partition, known, out string? fault) is not { } moved)
            {
                await Problem.BadRequestAsync(context, fault!);
                return false;
            }

            moves.Add((partition, moved));
        }

        foreach ((StreamPartition partition, Cursor moved) in moves)
        {
            await engine.Store.CommitAsync(consumer, partition, moved, context.RequestAborted);
        }

        return true;
    }

    /// <summary>Where to move to.</summary>
    private sealed record Target(string? Word, DateTimeOffset? Time, Offset? Offset, Origin Origin)
    {
        /// <summary>Reads it; <see langword="null"/> when it is none.</summary>
        public static Target? Read(QueryReader query, string to, bool onePartition)
        {
            if (to is "earliest" or "latest")
            {
                return new Target(to, null, null, default);
            }

            if (long.TryParse(to, NumberStyles.None, CultureInfo.InvariantCulture, out long offset))
            {
                return onePartition && query.Has("origin") ? new Target(null, null, new Offset(offset), query.Origin()) : null;
            }

            return to.Length == 0 ? null : new Target(null, query.Time("to"), null, default);
        }

        /// <summary>The cursor as it is to be; <see langword="null"/> with the fault when it cannot be.</summary>
        public Cursor? Move(Engine engine, StreamPartition partition, Cursor known, out string? fault)
        {
            fault = null;
            Generation next = new(known.Generation.Number + 1, engine.Store.Origin);
            if (Offset is { } offset)
            {
                if (engine.Lanes.Lane(new LaneId(partition, Origin)) is not { } lane || offset > lane.NextOffset)
                {
                    fault = $"parameter 'to': lane {new LaneId(partition, Origin)} is not known here up to offset {offset}";
                    return null;
                }

                return new Cursor(next, known.Positions.SetItem(Origin, offset), [.. known.Jumps.Where(j => j.Origin != Origin)]);
            }

            Cursor moved = new(next, Cursor.Start.Positions, []);
            foreach (LaneStatus lane in engine.Store.Lanes(partition))
            {
                Offset at = Word == "latest" ? lane.NextOffset : Word == "earliest" ? lane.FirstOffset
                    : engine.Store.FindTime(lane.Lane, Time!.Value);
                at = at > lane.NextOffset ? lane.NextOffset : at;
                moved = at > Core.Offset.Zero ? moved.With(lane.Lane.Origin, at) : moved;
            }

            return moved;
        }
    }
}
