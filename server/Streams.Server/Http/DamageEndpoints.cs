using Microsoft.AspNetCore.Http;
using Streams.Core;

namespace Streams.Server;

/// <summary>What of a lane is damaged or missing here, over HTTP; and the word of an operator that it is lost (decision 0026).</summary>
internal static class DamageEndpoints
{
    public const string Route = "/api/v1/lanes/damage";

    public static async Task AnswerAsync(HttpContext context, Engine engine)
    {
        QueryReader query = new(context.Request);
        LaneId lane = LaneEndpoints.Lane(query);
        long from = query.Number("from", 0, 0, long.MaxValue);
        long next = query.Number("next", long.MaxValue, 0, long.MaxValue);
        if (await LaneEndpoints.FindAsync(context, engine, query, lane) is null)
        {
            return;
        }

        if (HttpMethods.IsPost(context.Request.Method))
        {
            await engine.Lanes.DeclareLostAsync(lane, new EntryNumber(from), new EntryNumber(next), "an operator said so",
                context.RequestAborted);
        }

        LaneDamageAnswer answer = new(lane.Partition.Stream.Value, lane.Partition.Partition.Value, lane.Origin.ToString(),
            Of(engine.Lanes.Damaged(), lane) ?? []);
        await Json.WriteAsync(context, answer, ApiJson.Default.LaneDamageAnswer);
    }

    /// <summary>The ranges of one lane; <see langword="null"/> when there are none.</summary>
    public static IReadOnlyList<DamageAnswer>? Of(IReadOnlyList<DamagedRange> damaged, LaneId lane)
    {
        List<DamageAnswer>? ranges = null;
        foreach (DamagedRange range in damaged)
        {
            if (range.Lane == lane)
            {
                (ranges ??= []).Add(new DamageAnswer(range.First.Value, range.Next.Value, range.IsLost));
            }
        }

        return ranges;
    }
}
