using Microsoft.Extensions.Logging.Abstractions;
using Streams.Core;
using Streams.Testing;
using static Streams.Storage.Tests.Scene;

namespace Streams.Storage.Tests;

/// <summary>On a real disk segments are prepared by another thread; what is on the disk afterwards is a log like any other.</summary>
public sealed class PreparedSegmentTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(256 << 10)]
    public async Task A_log_over_many_segments_is_whole_after_reopening_and_leaves_nothing_behind(int tailBytes)
    {
        using TemporaryDirectory directory = new();
        ContainerOptions options = new()
        {
            Directory = directory.FullName,
            SegmentBytes = 16 << 10,
            AllocationBytes = 4 << 10,
            TailBytes = tailBytes,
        };
        List<string> sent = [];
        for (int round = 0; round < 2; round++)
        {
            await using Container store = await OpenAsync(options);
            ProducerSession session = store.BeginProducer(Car(round + 1));
            List<Task<ProduceResult>> answers = [];
            for (int i = 0; i < 400; i++)
            {
                answers.Add(store.ProduceAsync(session, P0, AfterVector.Empty, Batch(Car(round + 1), (20 * i) + 1, 20, after: 20 * i),
                    default).AsTask());
                sent.AddRange(Enumerable.Range((20 * i) + 1, 20).Select(s => $"{round + 1}:{s}"));
                if (answers.Count == 8)
                {
                    Assert.All(await Task.WhenAll(answers), a => Assert.Equal(ProduceRefusal.None, a.Refusal));
                    answers.Clear();
                }
            }

            Assert.True(store.Status().Segments > 4);
            Assert.Equal(sent, await new Scene().PayloadsAsync(new LaneId(P0, Sj(1)), store));
        }

        await using Container again = await OpenAsync(options);
        Assert.Empty(again.Recovery.Unreadable);
        Assert.Equal(0, again.Recovery.CutBytes);
        Assert.Equal(sent, await new Scene().PayloadsAsync(new LaneId(P0, Sj(1)), again));
        string[] segments = [.. Directory.EnumerateFiles(directory.FullName, "*.seg").Order(StringComparer.Ordinal)];
        for (int i = 0; i + 1 < segments.Length; i++)
        {
            Assert.True(SegmentHeader.TryParseName(Path.GetFileName(segments[i]), out long first));
            Assert.True(SegmentHeader.TryParseName(Path.GetFileName(segments[i + 1]), out long next));
            Assert.Equal(next - first, new FileInfo(segments[i]).Length);
        }
    }

    [Fact]
    public async Task A_spare_file_that_a_killed_process_left_is_removed()
    {
        using TemporaryDirectory directory = new();
        ContainerOptions options = new() { Directory = directory.FullName };
        await (await OpenAsync(options)).DisposeAsync();
        string spare = Path.Combine(directory.FullName, "spare.new");
        await File.WriteAllBytesAsync(spare, new byte[100]);
        await using Container again = await OpenAsync(options);
        Assert.False(File.Exists(spare));
    }

    private static async Task<Container> OpenAsync(ContainerOptions options)
    {
        Container store = await Container.OpenAsync(options, TimeProvider.System, new Random(1), NullLogger.Instance, default);
        await store.StartWritingAsync(Sj(1), default);
        return store;
    }
}
