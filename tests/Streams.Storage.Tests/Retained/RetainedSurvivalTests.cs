using Streams.Core;
using Streams.Testing;
using static Streams.Storage.Tests.RetainedScene;
using static Streams.Storage.Tests.Scene;

namespace Streams.Storage.Tests;

/// <summary>What retained messages survive: a start with and without the state file, retention, space that is given back, a crash
/// anywhere in that, damage.</summary>
public sealed class RetainedSurvivalTests : IDisposable
{
    private static readonly LaneId Ny = new(P0, Of("ny"));
    private static readonly string[] Removed = ["gone/0", "gone/1", "gone/2", "gone/3"];

    private static readonly ContainerOptions Small = new()
    {
        SegmentBytes = 64 << 10,
        AllocationBytes = 4 << 10,
        PartitionletBytes = 100 << 10,
        CheckpointRecords = 20,
    };

    private readonly TemporaryDirectory _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task They_come_back_from_the_state_file_and_from_the_log_alone()
    {
        await using Scene scene = await OpenAsync(withFiles: true);
        await LiveAsync(scene);
        string[] before = await scene.Store.RetainedLinesAsync(Removed);
        Assert.True(before.Length > 40, $"{before.Length}");
        await scene.ReopenAsync();
        Assert.Equal(string.Empty, scene.Store.Recovery.StateRebuilt);
        Assert.Equal(before, await scene.Store.RetainedLinesAsync(Removed));

        await scene.CrashAsync(new Random(1));
        Assert.Equal(before, await scene.Store.RetainedLinesAsync(Removed));

        await scene.Store.DisposeAsync();
        File.Delete(Path.Combine(_folder.FullName, StateFile.FileName));
        await scene.OpenStoreAsync();
        Assert.NotEqual(string.Empty, scene.Store.Recovery.StateRebuilt);
        Assert.Equal(before, await scene.Store.RetainedLinesAsync(Removed));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task They_outlive_retention_and_the_space_that_is_given_back(bool keep)
    {
        await using Scene scene = await OpenAsync(withFiles: false);
        await LiveAsync(scene, keep);
        string[] before = await scene.Store.RetainedLinesAsync(Removed);
        for (int round = 0; round < 3; round++)
        {
            await TrimAsync(scene);
            Assert.Equal(before, await scene.Store.RetainedLinesAsync(Removed));
            await scene.ReopenAsync();
            Assert.Equal(before, await scene.Store.RetainedLinesAsync(Removed));
            ReclaimReport report = await ReclaimAsync(scene);
            Assert.True(keep ? report.Ranges > 0 : report.Segments > 0, $"{report}");
            Assert.Equal(before, await scene.Store.RetainedLinesAsync(Removed));
            await scene.ReopenAsync();
            Assert.Empty(scene.Store.Recovery.Unreadable);
            Assert.Equal(before, await scene.Store.RetainedLinesAsync(Removed));

            // What was written again is to go next.
            await NoiseAsync(scene, round + 1, keep);
        }
    }

    [Fact]
    public async Task Only_what_is_still_retained_is_written_again()
    {
        await using Scene scene = await OpenAsync(withFiles: false);
        for (int i = 0; i < 2000; i++)
        {
            await scene.Store.RetainAsync("one", new string('x', 200) + i, i);
        }

        await TrimAsync(scene);
        ReclaimReport report = await ReclaimAsync(scene);
        Assert.True(report.Segments > 3, $"{report}");
        Assert.InRange(report.Facts, 1, 10);
        Assert.EndsWith("1999", await scene.Store.RetainedTextAsync("one"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_crash_at_any_point_of_giving_back_loses_none(bool keep)
    {
        int steps;
        int first;
        await using (Scene whole = await OpenAsync(withFiles: false))
        {
            await LiveAsync(whole, keep);
            await TrimAsync(whole);
            first = whole.Disk.Steps + 1;
            Assert.NotEqual(default, await ReclaimAsync(whole));
            steps = whole.Disk.Steps;
        }

        for (int stop = first; stop <= steps; stop++)
        {
            await using Scene scene = await OpenAsync(withFiles: false);
            await LiveAsync(scene, keep);
            string[] before = await scene.Store.RetainedLinesAsync(Removed);
            await TrimAsync(scene);
            scene.Disk.StopAt = stop;
            await Assert.ThrowsAnyAsync<StreamsException>(() => ReclaimAsync(scene));
            await scene.CrashAsync(new Random(stop));
            Assert.Equal(before, await scene.Store.RetainedLinesAsync(Removed));
            await ReclaimAsync(scene);
            await scene.ReopenAsync();
            Assert.Equal(before, await scene.Store.RetainedLinesAsync(Removed));
        }
    }

    [Fact]
    public async Task Verifying_and_dumping_know_of_those_that_were_written_again()
    {
        await using Scene scene = await OpenAsync(withFiles: true, onDisk: true);
        await LiveAsync(scene, keep: true);
        await TrimAsync(scene);
        Assert.True((await ReclaimAsync(scene)).Ranges > 0);
        string[] before = await scene.Store.RetainedLinesAsync(Removed);
        await scene.Store.DisposeAsync();
        StoreReport verified = StoreVerifier.Verify(_folder.FullName);
        string[] faults = [.. verified.Files.SelectMany(f => f.Faults.Select(x => $"{f.Name} at {x.Offset}: {x.What}"))];
        Assert.True(faults.Length == 0, string.Join('\n', faults));
        DumpedRecord[] dumped = [.. LogDump.Read(_folder.FullName, new DumpFilter())];
        Assert.Contains(dumped, r => r.Fields.Any(f => f.Key == "state" && f.Value is "retained")
            && r.Fields.Any(f => f.Key == "message" && f.Value is not "removed"));
        Assert.Contains(dumped, r => r.Fields.Any(f => f.Key == "message" && f.Value is "removed"));
        Assert.Contains(dumped, r => r.Kind == "events" && r.Fields.Any(f => f.Key == "retained" && f.Value is 1L));

        File.Delete(Path.Combine(_folder.FullName, StateFile.FileName));
        foreach (string index in Directory.GetFiles(_folder.FullName, "*.idx"))
        {
            File.Delete(index);
        }

        await scene.OpenStoreAsync(disk: new DirectoryDisk(_folder.FullName));
        Assert.Equal(before, await scene.Store.RetainedLinesAsync(Removed));
        await scene.Store.DisposeAsync();
        Assert.True(StoreVerifier.Verify(_folder.FullName).IsGood);
    }

    [Fact]
    public async Task A_state_file_that_claims_a_retained_message_of_its_own_is_found_out()
    {
        await using Scene scene = await OpenAsync(withFiles: true, onDisk: true);
        await scene.Store.RetainAsync("a", "one", 1);
        await scene.Store.DisposeAsync();
        using (StateFile file = StateFile.Open(Path.Combine(_folder.FullName, StateFile.FileName)))
        {
            ContainerState state = new();
            Assert.Null(file.Load(state, [], out long position));
            StateChanges changes = new();
            Assert.True(state.TryLoadRetained(Fleet, "a"u8, new RetainedMark(scene.Own, 77, 99, true, 4), out _));
            file.Save(new StateRows(state, new Lock(), changes, 0, position));
        }

        StoreReport verified = StoreVerifier.Verify(_folder.FullName);
        Assert.Contains(verified.Files.SelectMany(f => f.Faults), f => f.What.Contains("Retained of /fleet", StringComparison.Ordinal));
    }

    [Fact]
    public async Task One_whose_event_is_damaged_stops_nothing_and_is_back_when_the_entry_is_got_back()
    {
        await using Scene scene = await OpenAsync(withFiles: true);
        await scene.Store.RetainAsync("a", "aa", 1);
        await scene.Store.RetainAsync("b", new string('b', 2000), 1);
        await scene.Store.RetainAsync("c", "cc", 1);
        await scene.Store.EndSegmentAsync(default);
        await scene.Store.RetainAsync("d", "dd", 1);
        List<LaneEntry> whole = await scene.EntriesAsync();
        await scene.Store.DisposeAsync();
        byte[] bytes = scene.Disk.Contents(SegmentHeader.Name(0));
        scene.Disk.Flip(SegmentHeader.Name(0), bytes.AsSpan().IndexOf(Utf8(new string('b', 1000))) + 500);
        await scene.OpenStoreAsync();

        Assert.Null(await scene.Store.RetainedTextAsync("b"));
        Assert.Null(await scene.Store.RetainedTextAsync("b"));
        Assert.Single(scene.Log.Lines, l => l.Text.Contains("/fleet:b cannot be read", StringComparison.Ordinal));
        Assert.Equal(4, scene.Store.AllRetained().Count);
        foreach (string topic in (string[])["a", "c", "d"])
        {
            Assert.Equal(topic + topic, await scene.Store.RetainedTextAsync(topic));
        }

        DamagedRange damaged = Assert.Single(scene.Store.Damaged());
        await scene.Store.IngestAsync(scene.Own, [whole[(int)damaged.First.Value]], default);
        Assert.Equal(2000, (await scene.Store.RetainedTextAsync("b"))!.Length);
        await scene.ReopenAsync();
        Assert.Equal(2000, (await scene.Store.RetainedTextAsync("b"))!.Length);
        await scene.Store.DisposeAsync();
        File.Delete(Path.Combine(_folder.FullName, StateFile.FileName));
        await scene.OpenStoreAsync();
        Assert.Equal(2000, (await scene.Store.RetainedTextAsync("b"))!.Length);
    }

    [Fact]
    public async Task Giving_space_back_goes_on_over_one_that_cannot_be_read()
    {
        await using Scene scene = await OpenAsync(withFiles: true);
        await scene.Store.RetainAsync("bad", new string('b', 2000), 1);
        await LiveAsync(scene);
        string[] before = [.. (await scene.Store.RetainedLinesAsync(Removed)).Where(l => !l.StartsWith("bad ", StringComparison.Ordinal))];
        await TrimAsync(scene);
        await scene.Store.DisposeAsync();
        byte[] bytes = scene.Disk.Contents(SegmentHeader.Name(0));
        scene.Disk.Flip(SegmentHeader.Name(0), bytes.AsSpan().IndexOf(Utf8(new string('b', 1000))) + 500);
        await scene.OpenStoreAsync();
        Assert.True((await ReclaimAsync(scene)).Segments > 0);
        Assert.Null(await scene.Store.RetainedTextAsync("bad"));
        Assert.DoesNotContain(scene.Store.State(), i => i.Kind == StateKind.Retained
            && RetainedItem.TryRead(i, 0, out RetainedItem item) && item.Topic.Topic.Value == "bad");
        Assert.Equal(before, (await scene.Store.RetainedLinesAsync(Removed)).Where(l => !l.StartsWith("bad ", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task An_empty_container_gets_with_the_joined_state_what_it_will_not_get_with_entries()
    {
        await using Scene scene = await OpenAsync(withFiles: false);
        await LiveAsync(scene);
        await scene.Store.RetainAsync("kept", "stands in an entry", 5);
        Assert.DoesNotContain(scene.Store.State(), i => i.Kind == StateKind.Retained);
        string[] before = await scene.Store.RetainedLinesAsync(Removed);
        LaneStatus own = scene.Store.Lane(scene.Own)!.Value;
        scene.Store.State(0, out long revision);
        await scene.Store.TrimAsync(scene.Own, new EntryNumber(own.NextEntry.Value - 1), default);
        await scene.Store.TrimAsync(Ny, scene.Store.Lane(Ny)!.Value.NextEntry, default);
        StateItem[] items = [.. scene.Store.State(revision, out long next).Where(i => i.Kind == StateKind.Retained)];
        Assert.Equal(before.Length - 1, items.Length);
        Assert.DoesNotContain(scene.Store.State(next, out _), i => i.Kind == StateKind.Retained);

        // As a link does: state, the gap, the entries; and once more to a third that is only told what changed in the second.
        await using Scene empty = await Scene.OpenAsync(2);
        await using Scene third = await Scene.OpenAsync(3);
        IReadOnlyList<StateItem> changed = await empty.Store.JoinAsync([.. scene.Store.State()], default);
        await third.Store.JoinAsync(changed, default);
        LaneStatus trimmed = scene.Store.Lane(scene.Own)!.Value;
        List<LaneEntry> entries = await scene.EntriesAsync();
        foreach (Container store in (Container[])[empty.Store, third.Store])
        {
            Assert.Equal(before.Length - 1, (await store.RetainedLinesAsync(Removed)).Length);
            await store.SkipToAsync(scene.Own, trimmed.FirstEntry, trimmed.FirstOffset, default);
            await store.IngestAsync(scene.Own, entries, default);
            Assert.Equal(before, await store.RetainedLinesAsync(Removed));
        }

        await empty.ReopenAsync();
        Assert.Equal(before, await empty.Store.RetainedLinesAsync(Removed));
    }

    [Fact]
    public async Task Malformed_items_are_refused()
    {
        await using Scene scene = await OpenAsync(withFiles: false);
        RetainedMark mark = new(Ny, 3, 4, true, 0);
        TopicFact topic = new(TopicName.Parse("t"), new HybridTimestamp(1, Ny.Origin.Cluster));
        StateItem good = new RetainedItem(topic, mark, "k"u8.ToArray(), default, "payload"u8.ToArray()).ToItem();
        Assert.True(StateItems.IsValid(good));
        for (int length = 0; length < good.Body.Length - "payload".Length; length++)
        {
            StateItem cut = good with { Body = good.Body[..length] };
            Assert.False(StateItems.IsValid(cut), $"{length}");
            await Assert.ThrowsAsync<InvalidFormatException>(async () => await scene.Store.JoinAsync([cut], default));
        }

        byte[] flags = good.Body.ToArray();
        flags[0] = 2;
        Assert.False(StateItems.IsValid(good with { Body = flags }));
        flags[0] = 0;                                // removed, but with bytes behind it
        Assert.False(StateItems.IsValid(good with { Body = flags }));
    }

    private async Task<Scene> OpenAsync(bool withFiles, bool onDisk = false)
    {
        Scene scene = new(1) { Options = Small with { Directory = withFiles ? _folder.FullName : null } };
        await scene.OpenStoreAsync(disk: onDisk ? new DirectoryDisk(_folder.FullName) : null);
        return scene;
    }

    // Some topics get a new message now and then, some once, some lose theirs; own and foreign; large events without the flag between them.
    private static async Task LiveAsync(Scene scene, bool keep = false)
    {
        for (int i = 0; i < 40; i++)
        {
            await scene.Store.RetainAsync($"often/{i % 3}", $"often {i}", 100 + i);
            await scene.Store.RetainAsync($"once/{i}", $"once {i}", 100 + i);
            await scene.Store.RetainAsync($"gone/{i % 4}", $"soon gone {i}", 100 + i);
            await scene.Store.IngestAsync(Ny, RetainedBatch(Car(9), 1 + (2L * i), ($"both/{i % 5}", $"ny {i}", 50 + (i * 3)),
                ($"often/{i % 3}", $"ny {i}", i)));
            await scene.Store.RetainAsync($"both/{i % 5}", $"sj {i}", 100 + i);
        }

        foreach (string topic in Removed)
        {
            await scene.Store.RetainAsync(topic, "", 500);
        }

        await NoiseAsync(scene, 0, keep);
    }

    private static async Task NoiseAsync(Scene scene, int round, bool keep)
    {
        ProducerSession session = scene.Store.BeginProducer(Car(100 + round));
        byte[] payload = new byte[3000];
        new Random(round).NextBytes(payload);
        EventBatchBuilder builder = new();
        StreamPartition kept = new(StreamPath.Parse("/kept"), default);
        for (int i = 0; i < 150; i++)
        {
            builder.TryAdd("noise"u8, default, default, payload, i);
            await scene.SendAsync(session, builder.Build(new EventIdentity(Car(100 + round), 7, 1 + i), i == 0 ? default : (7UL, (long)i),
                mayHaveTwins: false));
            if (keep && i % 15 == 0)
            {
                await scene.Store.RetainAsync("kept", $"{round} {i}", i, kept, isRetained: false);
            }
        }
    }

    private static async Task TrimAsync(Scene scene)
    {
        foreach (LaneStatus lane in scene.Store.Lanes().Where(l => l.Lane.Partition.Stream == Fleet))
        {
            await scene.Store.TrimAsync(lane.Lane, lane.NextEntry, default);
        }
    }

    private static async Task<ReclaimReport> ReclaimAsync(Scene scene) =>
        await scene.Store.ReclaimAsync((_, _) => ValueTask.CompletedTask, default);
}
