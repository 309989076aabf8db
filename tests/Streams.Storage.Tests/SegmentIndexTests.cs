using Streams.Core;
using static Streams.Storage.Tests.Scene;

namespace Streams.Storage.Tests;

/// <summary>Index files spare reading; without them, or with broken ones, the container is the same.</summary>
public sealed class SegmentIndexTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("streams-storage-").FullName;

    private ContainerOptions Options => new() { Directory = _folder, SegmentBytes = 4 << 10, AllocationBytes = 4 << 10,
        PartitionletBytes = 6 << 10 };

    [Fact]
    public async Task An_index_without_its_segment_and_what_mending_left_are_removed_when_the_container_is_opened()
    {
        using FilledFolder filled = await FilledFolder.MakeAsync(rounds: 20);
        string orphan = Path.Combine(filled.Folder, "log-0000000000ffffff.idx");
        string left = filled.Indexes[0] + ".new";
        File.Copy(filled.Indexes[0], orphan);
        File.Copy(filled.Indexes[0], left);
        await using Container store = await filled.OpenAsync();
        Assert.False(File.Exists(orphan));
        Assert.False(File.Exists(left));
        Assert.True(File.Exists(filled.Indexes[0]));
    }

    [Fact]
    public async Task Ended_segments_are_taken_from_their_index_and_everything_is_as_before()
    {
        await using Scene scene = await FilledAsync();
        string before = await DescribeAsync(scene);
        await scene.ReopenAsync(write: false);
        Assert.True(scene.Store.Recovery.SegmentsFromIndex > 2);
        Assert.Equal(scene.Store.Status().Segments - 1, scene.Store.Recovery.SegmentsFromIndex);
        Assert.Equal(before, await DescribeAsync(scene));
        await scene.Store.StartWritingAsync(scene.Origin, default);
        await FillAsync(scene, 100);
        before = await DescribeAsync(scene);
        await scene.CrashAsync(new Random(5), write: false);
        Assert.Equal(before, await DescribeAsync(scene));
    }

    [Fact]
    public async Task A_missing_torn_or_damaged_index_is_made_anew_from_its_segment()
    {
        await using Scene scene = await FilledAsync();
        string before = await DescribeAsync(scene);
        await scene.Store.DisposeAsync();
        string[] indexes = [.. scene.Disk.List().Where(n => n.EndsWith(".idx", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
        scene.Disk.Delete(indexes[0]);
        scene.Disk.Flip(indexes[1], 60);
        using (ILogFile torn = scene.Disk.Open(indexes[2]))
        {
            torn.SetLength(torn.Length / 2);
        }

        await scene.OpenStoreAsync(write: false);
        Assert.Equal(indexes.Length - 3, scene.Store.Recovery.SegmentsFromIndex);
        Assert.Equal(3, scene.Log.Lines.Count(l => l.Id.Id == 1011));
        Assert.Equal(before, await DescribeAsync(scene));
        await scene.ReopenAsync(write: false);
        Assert.Equal(indexes.Length, scene.Store.Recovery.SegmentsFromIndex);
    }

    [Fact]
    public async Task Damage_in_a_segment_taken_from_its_index_is_seen_when_it_is_read()
    {
        await using Scene scene = await FilledAsync();
        await scene.Store.DisposeAsync();
        scene.Disk.Flip(SegmentHeader.Name(0), 3000);
        await scene.OpenStoreAsync(write: false);
        await Assert.ThrowsAsync<InvalidFormatException>(() => scene.EntriesAsync());
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static async Task FillAsync(Scene scene, int from)
    {
        ProducerSession session = scene.Store.BeginProducer(Car(1));
        for (int i = 0; i < 60; i++)
        {
            await scene.SendAsync(session, Batch(Car(1), from + (i * 5), 5, after: i == 0 ? 0 : from - 1 + (i * 5), topic: $"t{i % 9}"));
            await scene.Store.CommitAsync(ConsumerName.Parse("c"), P0, Cursor.Start.With(scene.Origin, new Offset(from + i)), default);
        }
    }

    private async Task<Scene> FilledAsync()
    {
        Scene scene = new() { Options = Options };
        await scene.OpenStoreAsync();
        await scene.Store.SkipToAsync(new LaneId(P0, Of("ny")), new EntryNumber(3), new Offset(17), default);
        await FillAsync(scene, 1);
        return scene;
    }

    private static async Task<string> DescribeAsync(Scene scene)
    {
        List<string> lines = [.. await scene.PayloadsAsync()];
        lines.AddRange(scene.Store.Lanes().Select(l => l.ToString()));
        lines.AddRange(scene.Store.Chain(scene.Own).Select(c => c.ToString()));
        lines.AddRange(scene.Store.Held(Car(1), P0, 0).Select(h => h.ToString()));
        lines.Add(scene.Store.Cursor(ConsumerName.Parse("c"), P0).ToString());
        lines.Add(scene.Store.TopicCount(Fleet).ToString());
        lines.Add(scene.Store.Status().Events.ToString());
        return string.Join('\n', lines);
    }
}
