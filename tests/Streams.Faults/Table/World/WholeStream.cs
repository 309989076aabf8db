using Streams.Client;
using Streams.Core;
using Streams.EndToEnd.Tests;
using Streams.Testing;

namespace Streams.Faults;

/// <summary>Reads a stream at one cluster from its beginning to its end, as a consumer that comes anew.</summary>
internal static class WholeStream
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>What the consumer was given, in its order. The end is reached when its cursor stands at the end of every lane.</summary>
    public static async Task<List<SeenEvent>> ReadAsync(TestCluster cluster, string stream, string store)
    {
        // Cursors go over links too: at each cluster under another name.
        var name = "judge-at-" + cluster.Options.ClusterName;
        var options = Device.Options(name, store, cluster.Endpoint) with { Patience = TimeSpan.FromMinutes(2) };
        await using var client = await StreamsClient.OpenAsync(options);
        await using var consumer = await client.ConsumeAsync(
            new ConsumerOptions { Name = ConsumerName.Parse(name), Stream = StreamPath.Parse(stream) });
        List<SeenEvent> seen = [];
        var gate = new Lock();
        using var stop = new CancellationTokenSource();
        var reading = Task.Run(async () =>
        {
            await foreach (var found in consumer.ReadAllAsync(stop.Token))
            {
                var one = found.Gap is { } gap
                    ? new SeenEvent("", 0, gap.Events)
                    : new SeenEvent(
                        EventName.OrderedBy(found), EventName.Number(found.Payload.Span), OrderReleased: found.OrderReleased);
                lock (gate)
                {
                    seen.Add(one);
                }

                found.Acknowledge();
            }
        });

        await Eventually.TrueAsync(
            async () => reading.IsCompleted || (await cluster.Api.LanesAsync(stream)).All(lane => IsAtEnd(consumer, lane)),
            $"a reader at {cluster.Options.ClusterName} is at the end of {stream}", Limit, () => $"{seen.Count} events given");
        await stop.CancelAsync();
        try
        {
            await reading;
        }
        catch (OperationCanceledException)
        {
            // At the end.
        }

        return seen;
    }

    private static bool IsAtEnd(StreamsConsumer consumer, LaneState lane)
        => consumer.Cursor(new PartitionId(lane.Partition))[Origin.Parse(lane.Origin)].Value >= lane.NextOffset;
}
