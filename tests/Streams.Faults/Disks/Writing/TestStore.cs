using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Streams.Core;
using Streams.Storage;

namespace Streams.Faults;

/// <summary>The container that the tests write and check, its streams, and short words for writing.</summary>
internal static class TestStore
{
    /// <summary>Flushed, kept for ever: every acknowledged event must be there.</summary>
    public static readonly StreamPath Keep = StreamPath.Parse("/keep");

    /// <summary>Flushed, but only so many bytes are kept, so that segments are punched and deleted under load.</summary>
    public static readonly StreamPath Brief = StreamPath.Parse("/brief");

    /// <summary>Acknowledged when written: a power cut may take its last events.</summary>
    public static readonly StreamPath Quick = StreamPath.Parse("/quick");

    public static readonly Origin Own = new(ClusterName.Parse("sj"), new Incarnation(1));

    public const int KeepPartitions = 3;
    private const int BriefBytes = 64 << 10;
    private const ulong Epoch = 7;

    /// <summary>Small segments and steps, and a state file that is written often: every kind of work of the disk comes up soon.</summary>
    public static ContainerOptions Options(string directory, int segmentBytes, int tailBytes) => new()
    {
        Directory = directory,
        SegmentBytes = segmentBytes,
        AllocationBytes = Math.Max(16 << 10, segmentBytes / 8),
        TailBytes = tailBytes,
        CheckpointRecords = 400,
        CheckpointInterval = TimeSpan.FromMilliseconds(300),
    };

    public static ValueTask<Container> OpenAsync(ContainerOptions options)
        => Container.OpenAsync(options, TimeProvider.System, new Random(1), NullLogger.Instance, default);

    public static async Task SettleAsync(Container store)
    {
        await SetAsync(store, Keep, new StreamSettings(KeepPartitions));
        await SetAsync(store, Brief, new StreamSettings(1) { RetentionBytes = BriefBytes });
        await SetAsync(store, Quick, new StreamSettings(1) { Durability = Durability.Written });
    }

    /// <summary>Appends one event, as plain clients do.</summary>
    public static async Task AppendAsync(Container store, StreamPartition partition, long producer, long sequence, AckWriter acks)
    {
        var plain = new PlainEvent(Topic(sequence), default, default, TestPayload.Make(producer, sequence), sequence + 1);
        var place = await store.AppendPlainAsync(partition, plain, default);
        acks.Stored(partition, producer, sequence, 1, place.Offset.Value);
    }

    /// <summary>Sends the next batch of a session, as the SDK does.</summary>
    public static async Task ProduceAsync(
        Container store, ProducerSession session, StreamPartition partition, long producer, long first, int count, AckWriter acks)
    {
        EventBatchBuilder builder = new();
        for (var i = first; i < first + count; i++)
        {
            builder.TryAdd(Topic(i), default, default, TestPayload.Make(producer, i), i + 1);
        }

        // Sequences of the product begin at 1, those of the tests at 0.
        var batch = builder.Build(
            new EventIdentity(session.Producer, Epoch, first + 1), first == 0 ? default : (Epoch, first), mayHaveTwins: false);
        var result = await store.ProduceAsync(session, partition, AfterVector.Empty, batch, default);
        foreach (var run in result.Placed)
        {
            acks.Stored(partition, producer, run.First - 1, (int)(run.Last - run.First + 1), run.FirstOffset.Value);
        }

        if (result.Refusal != ProduceRefusal.None)
        {
            throw new TryAgainException($"{result.Refusal}: {result.Detail}");
        }
    }

    /// <summary>A consumer has passed all that is there.</summary>
    public static async Task CommitAsync(Container store, StreamPartition partition, string consumer, AckWriter acks)
    {
        var next = store.Lane(new LaneId(partition, Own))?.NextOffset ?? default;
        await store.CommitAsync(ConsumerName.Parse(consumer), partition, Cursor.Start.With(Own, next), default);
        acks.Committed(partition, consumer, next.Value);
    }

    /// <summary>One pass of retention, as the server does it.</summary>
    public static async Task RetainAsync(Container store)
    {
        var rules = new RetentionRules { Now = TimeProvider.System.GetUtcNow(), LeastSegmentBytes = BriefBytes };
        var plan = store.PlanRetention(rules);
        foreach (var trim in plan.Trims)
        {
            await store.TrimAsync(trim.Lane, trim.First, default);
        }

        if (plan.EndSegment)
        {
            await store.EndSegmentAsync(default);
        }

        await store.ReclaimAsync(static (_, _) => ValueTask.CompletedTask, default);
    }

    private static byte[] Topic(long sequence) => Encoding.UTF8.GetBytes($"t/{sequence % 40}");

    private static ValueTask SetAsync(Container store, StreamPath stream, StreamSettings settings)
        => store.SetRegisterAsync(stream, StreamSettings.RegisterKey, settings.Write(), default);
}
