using Streams.Core;
using Xunit.Abstractions;
using static Streams.Storage.Tests.Scene;

namespace Streams.Storage.Tests;

/// <summary>What an idle lane costs a container.</summary>
public sealed class ManyLanesTests(ITestOutputHelper output)
{
    private const int Origins = 200;
    private const int Partitions = 500;
    private const int Lanes = Origins * Partitions;

    [Fact]
    public async Task An_idle_lane_costs_less_than_a_kilobyte_in_memory()
    {
        await using Container store = await Container.OpenAsync(new ContainerOptions { Disk = new DiscardingDisk() }, new ManualTime(),
            new Random(1), new RecordingLogger(), default);
        await store.StartWritingAsync(Sj(1), default);
        ReadOnlyMemory<byte> body = Batch(Car(1), 1, 1).Bytes;
        Origin[] origins = [.. Enumerable.Range(0, Origins).Select(n => Of($"cluster-{n}"))];
        long before = Used();
        for (int partition = 0; partition < Partitions; partition++)
        {
            await Task.WhenAll(origins.Select(origin => store.IngestAsync(new LaneId(Part(partition), origin), [Entry(origin, body)],
                default).AsTask()));
        }

        long each = (Used() - before) / Lanes;
        Assert.Equal(Lanes, store.Lanes().Count);
        output.WriteLine($"an idle lane of one entry and one producer: {each} bytes in the container ({Lanes} lanes)");
        Assert.InRange(each, 100, 760);      // 1 KB together with both sides of a link
    }

    private static long Used()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return GC.GetTotalMemory(forceFullCollection: true);
    }

    private static LaneEntry Entry(Origin origin, ReadOnlyMemory<byte> body) => new()
    {
        Number = EntryNumber.Zero, Kind = EntryKind.Events, BaseOffset = Offset.Zero, EventCount = 1, AppendedAt = 1,
        Path = ReplicationPath.StartingAt(origin), Body = body,
    };
}
