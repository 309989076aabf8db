using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using Streams.Core;
using Streams.Storage;

namespace Streams.Bench;

/// <summary>What a load did.</summary>
internal readonly record struct LoadFigures(long Events, long Bytes, long Flushes, double Seconds)
{
    public double MegabytesPerSecond => Bytes / Seconds / 1e6;

    public int BytesPerFlush => (int)Math.Max(1, Bytes / Math.Max(1, Flushes));
}

/// <summary>A producer with a number of batches under way.</summary>
internal sealed class LoadProducer(Container container, string name, StreamPartition partition, BatchSlot[] slots, int inFlight)
{
    private readonly ProducerId _producer = ProducerId.ForName(name);
    private readonly ProducerSession _session = container.BeginProducer(ProducerId.ForName(name));
    private readonly Queue<(Task<ProduceResult> Answer, int Events)> _waiting = new();
    private long _sequence = 1;
    private int _next;

    /// <summary>Appends until a moment, or so many batches; gives the events acknowledged.</summary>
    public async Task<long> RunAsync(long untilTimestamp, long batches)
    {
        long acknowledged = 0;
        for (long i = 0; i < batches && Stopwatch.GetTimestamp() < untilTimestamp; i++)
        {
            BatchSlot slot = slots[_next];
            _next = (_next + 1) % slots.Length;
            EventBatch batch = slot.Send(_producer, _sequence);
            _sequence += slot.Events;
            _waiting.Enqueue((container.ProduceAsync(_session, partition, AfterVector.Empty, batch, CancellationToken.None).AsTask(),
                slot.Events));
            if (_waiting.Count >= Math.Min(inFlight, slots.Length))
            {
                acknowledged += await AnswerAsync();
            }
        }

        while (_waiting.Count > 0)
        {
            acknowledged += await AnswerAsync();
        }

        return acknowledged;
    }

    private async Task<long> AnswerAsync()
    {
        (Task<ProduceResult> answer, int events) = _waiting.Dequeue();
        ProduceResult result = await answer;
        return result.Refusal == ProduceRefusal.None ? events : throw new InvalidOperationException(result.Detail);
    }
}

/// <summary>Producers that append to a container at once.</summary>
internal static class AppendLoad
{
    public static async Task<Container> OpenAsync(string folder, ContainerOptions? options = null)
    {
        Container container = await Container.OpenAsync((options ?? new ContainerOptions()) with { Directory = folder },
            TimeProvider.System, new Random(1), NullLogger.Instance, CancellationToken.None);
        await container.StartWritingAsync(new Origin(ClusterName.Parse("bench"), new Incarnation(1)), CancellationToken.None);
        return container;
    }

    public static StreamPartition Partition(int number) => new(StreamPath.Parse("/bench"), new PartitionId(number));

    public static async Task<LoadFigures> RunAsync(Container container, LoadProducer[] producers, TimeSpan time,
        long batches = long.MaxValue)
    {
        ContainerStatus before = container.Status();
        long start = Stopwatch.GetTimestamp();
        long until = start + (long)(time.TotalSeconds * Stopwatch.Frequency);
        long[] events = await Task.WhenAll(producers.Select(p => Task.Run(() => p.RunAsync(until, batches))));
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        ContainerStatus after = container.Status();
        return new LoadFigures(events.Sum(), after.BytesWritten - before.BytesWritten, after.Flushes - before.Flushes, seconds);
    }
}
