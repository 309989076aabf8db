using Streams.Core;
using Streams.Testing;
using static Streams.Storage.Tests.Scene;

namespace Streams.Storage.Tests;

/// <summary>Space is given back, and nothing that is still so is forgotten with it: over a simulated disk without a state file, so each
/// opening rebuilds all from what is left of the log.</summary>
public sealed class ReclaimTests
{
    private static readonly StreamPath Kept = StreamPath.Parse("/kept");
    private static readonly StreamPartition KeptPart = new(Kept, new PartitionId(1));
    private static readonly LaneId Ny = new(P0, Of("ny"));

    private static readonly ContainerOptions Small = new()
    {
        SegmentBytes = 64 << 10,
        AllocationBytes = 4 << 10,
        PartitionletBytes = 100 << 10,
    };

    [Fact]
    public async Task Segments_without_a_kept_entry_are_deleted_and_a_rebuild_knows_all_that_was_known()
    {
        await using Scene scene = await OpenAsync(1, Small);
        await LiveAsync(scene, keep: false);
        await TrimAsync(scene, 0.7);
        int segments = scene.Store.Status().Segments;
        string[] before = await KnownAsync(scene);

        ReclaimReport report = await ReclaimAsync(scene);
        Assert.True(report.Segments >= 3, $"{report}");
        Assert.True(report.Facts > 10);
        Assert.Equal(before, await KnownAsync(scene));
        Assert.True(scene.Store.Status().Segments < segments);
        Assert.DoesNotContain(SegmentHeader.Name(0), scene.Disk.List());

        await scene.ReopenAsync();
        Assert.Empty(scene.Store.Recovery.Unreadable);
        Assert.Equal(before, await KnownAsync(scene));

        // And once more, with what was written again among what goes.
        await LiveAsync(scene, keep: false, round: 2);
        await TrimAsync(scene, 0.9);
        before = await KnownAsync(scene);
        Assert.True((await ReclaimAsync(scene)).Segments > 0);
        await scene.ReopenAsync();
        Assert.Equal(before, await KnownAsync(scene));
    }

    [Fact]
    public async Task Dead_ranges_between_kept_entries_become_holes_that_are_no_damage()
    {
        await using Scene scene = await OpenAsync(2, Small);
        await LiveAsync(scene, keep: true);
        await TrimAsync(scene, 0.9);
        string[] before = await KnownAsync(scene);

        ReclaimReport report = await ReclaimAsync(scene);
        Assert.True(report.Ranges > 0, $"{report}");
        Assert.True(scene.Disk.PunchedBytes > 64 << 10);
        Assert.Equal(before, await KnownAsync(scene));
        await scene.ReopenAsync();
        Assert.Empty(scene.Store.Recovery.Unreadable);
        Assert.Equal(before, await KnownAsync(scene));
        Assert.Equal(default, await ReclaimAsync(scene));
    }

    [Fact]
    public async Task Damage_beside_a_hole_is_still_damage()
    {
        await using Scene scene = await OpenAsync(2, Small);
        await LiveAsync(scene, keep: true);
        await TrimAsync(scene, 0.9);
        Assert.True((await ReclaimAsync(scene)).Ranges > 0);
        await scene.Store.DisposeAsync();

        string name = SegmentHeader.Name(0);
        SegmentScanner scanner = new(scene.Disk.Open(name), 0, scene.Disk.Contents(name).Length);
        long hole = -1;
        for (long at = scanner.Offset; scanner.Next(out RecordHeader header, out _, out _) == ScanStep.Record; at = scanner.Offset)
        {
            hole = hole < 0 && header.Kind == RecordKind.Hole ? at : hole;
        }

        Assert.True(hole > 0);
        scene.Disk.Flip(name, hole + RecordHeader.Size);
        await scene.OpenStoreAsync();
        Assert.Contains(scene.Store.Recovery.Unreadable, u => u.Segment == name && u.Offset == hole);
    }

    [Fact]
    public async Task Where_no_holes_can_be_made_whole_segments_still_go()
    {
        await using Scene scene = await OpenAsync(2, Small);
        scene.Disk.CanPunch = false;
        await LiveAsync(scene, keep: true);
        await TrimAsync(scene, 0.9);
        string[] before = await KnownAsync(scene);
        await ReclaimAsync(scene);
        Assert.Equal(0, scene.Disk.PunchedBytes);
        await scene.ReopenAsync();
        Assert.Equal(before, await KnownAsync(scene));
    }

    [Fact]
    public async Task A_segment_that_is_missing_though_nobody_gave_it_back_is_damage()
    {
        await using Scene scene = await OpenAsync(1, Small);
        await LiveAsync(scene, keep: false);
        await scene.Store.DisposeAsync();
        scene.Disk.Delete(SegmentHeader.Name(0));
        await scene.OpenStoreAsync();
        Assert.Contains(scene.Store.Recovery.Unreadable, u => u.Reason.Contains("missing", StringComparison.Ordinal));
        Assert.True(scene.Store.Recovery.NeedsNewIncarnation);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_reader_that_retention_overtakes_finds_entries_gone_and_never_damaged(bool keep)
    {
        using TemporaryDirectory folder = new();
        await using Scene scene = new(2) { Options = Small };
        InterruptedDisk disk = new(new DirectoryDisk(folder.FullName));
        await scene.OpenStoreAsync(disk: disk);
        await LiveAsync(scene, keep);
        ReclaimReport report = default;
        async Task GoesAsync(double share)
        {
            await TrimAsync(scene, share);
            report += await ReclaimAsync(scene);
        }

        // Places in the middle of what goes: they are in a deleted file, or in a hole.
        EntryNumber early = new(40);
        disk.BeforeRead = () => GoesAsync(0.6);
        using (LaneSlice byNumber = await scene.Store.ReadAsync(scene.Own, early, 1000, default))
        {
            Assert.Empty(byNumber.Entries);
        }

        Assert.True(keep ? report.Ranges > 0 : report.Segments > 0, $"{report}");
        disk.BeforeRead = () => GoesAsync(0.95);
        using LaneSlice byOffset = await scene.Store.ReadAsync(scene.Own, Offset.Zero, 1000, default);
        Assert.Null(disk.BeforeRead);
        Assert.Equal(scene.Store.Lane(scene.Own)!.Value.FirstEntry, byOffset.Entries[0].Number);
    }

    // What the registers are longer by decides whether a whole segment goes between two that stay.
    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 0)]
    [InlineData(true, 600)]
    [InlineData(true, 1999)]
    public async Task A_crash_at_any_point_of_giving_back_loses_nothing(bool keep, int pad)
    {
        int steps;
        int first;
        await using (Scene whole = await OpenAsync(3, Small))
        {
            await LiveAsync(whole, keep, pad: pad);
            await TrimAsync(whole, 0.8);
            first = whole.Disk.Steps + 1;
            Assert.NotEqual(default, await ReclaimAsync(whole));
            steps = whole.Disk.Steps;
        }

        Assert.True(steps - first > 5);
        for (int stop = first; stop <= steps; stop++)
        {
            for (int way = 0; way < 4; way++)
            {
                await using Scene scene = await OpenAsync(3, Small);
                await LiveAsync(scene, keep, pad: pad);
                await TrimAsync(scene, 0.8);
                string[] before = await KnownAsync(scene);
                scene.Disk.StopAt = stop;
                await Assert.ThrowsAnyAsync<StreamsException>(() => ReclaimAsync(scene));
                await scene.CrashAsync(way == 0 ? null : new Random((stop * 10) + way));
                AssertSame(before, await KnownAsync(scene), $"stopped at step {stop} of {first} to {steps}, way {way}");
                Assert.Empty(scene.Store.Recovery.Unreadable);

                await ReclaimAsync(scene);
                await scene.ReopenAsync();
                AssertSame(before, await KnownAsync(scene), $"stopped at step {stop} of {first} to {steps}, way {way}, gone on");
                Assert.Empty(scene.Store.Recovery.Unreadable);
            }
        }
    }

    [Fact]
    public async Task Without_writing_facts_again_they_would_be_lost()
    {
        // Shows that the comparison above notices: the same history, and its first segments deleted by hand.
        await using Scene scene = await OpenAsync(1, Small);
        await LiveAsync(scene, keep: false);
        await TrimAsync(scene, 0.7);
        string[] before = await KnownAsync(scene);
        await scene.Store.DisposeAsync();
        scene.Disk.Delete(SegmentHeader.Name(0));
        await scene.OpenStoreAsync();
        string[] after = await KnownAsync(scene);
        foreach (string kind in (string[])["Cursor", "Register", "Topics", "held"])
        {
            Assert.Contains(before.Except(after), line => line.StartsWith(kind, StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task A_state_file_that_was_deleted_is_rebuilt_the_same_from_what_retention_left()
    {
        using TemporaryDirectory folder = new();
        await using Scene scene = new(4) { Options = Small with { Directory = folder.FullName } };
        await OpenHereAsync(scene);
        await LiveAsync(scene, keep: true);
        await TrimAsync(scene, 0.8);
        ReclaimReport report = await ReclaimAsync(scene);
        Assert.True(report.Segments > 0 && report.Ranges > 0, $"{report}");
        string[] before = await KnownAsync(scene);

        await scene.Store.DisposeAsync();
        StoreReport verified = StoreVerifier.Verify(folder.FullName);
        Assert.Empty(verified.Files.SelectMany(f => f.Faults.Select(x => $"{f.Name} at {x.Offset}: {x.What}")));
        Assert.Contains(verified.Files, f => f.Notes.Any(n => n.EndsWith("space of the segment was given back", StringComparison.Ordinal)));
        Assert.Contains(LogDump.Read(folder.FullName, new DumpFilter()), r => r.Kind == "hole");
        await OpenHereAsync(scene);
        Assert.Equal(string.Empty, scene.Store.Recovery.StateRebuilt);
        Assert.Equal(before, await KnownAsync(scene));

        await scene.Store.DisposeAsync();
        File.Delete(System.IO.Path.Combine(folder.FullName, "state.db"));
        foreach (string index in Directory.GetFiles(folder.FullName, "*.idx"))
        {
            File.Delete(index);
        }

        Assert.True(StoreVerifier.Verify(folder.FullName).IsGood);
        await OpenHereAsync(scene);
        Assert.NotEqual(string.Empty, scene.Store.Recovery.StateRebuilt);
        Assert.Empty(scene.Store.Recovery.Unreadable);
        Assert.Equal(before, await KnownAsync(scene));
        Assert.True(StoreVerifier.Verify(folder.FullName).IsGood);
    }

    private static async Task OpenHereAsync(Scene scene)
    {
        await scene.OpenStoreAsync(disk: new DirectoryDisk(scene.Options.Directory!));
    }

    private static async Task<ReclaimReport> ReclaimAsync(Scene scene) =>
        await scene.Store.ReclaimAsync((_, _) => ValueTask.CompletedTask, default);

    // Two own partitions, a foreign lane, cursors, registers, topics, joined state; with `keep`, a stream that retention leaves alone.
    private static async Task LiveAsync(Scene scene, bool keep, int round = 1, int pad = 0)
    {
        Container store = scene.Store;
        ProducerSession session = store.BeginProducer(Car(round));
        ProducerSession other = store.BeginProducer(Car(100 + round));
        ProducerSession kept = store.BeginProducer(Car(200 + round));
        List<LaneEntry> foreign = [];
        LaneStatus ny = store.Lane(Ny) ?? new LaneStatus(Ny, default, default, default, default, 0);
        for (int i = 0; i < 60; i++)
        {
            await scene.SendAsync(session, Big(Car(round), i));
            await scene.SendAsync(other, Big(Car(100 + round), i), Part(1));
            if (keep && i % 25 == 0)
            {
                await scene.SendAsync(kept, Batch(Car(200 + round), 1 + (i / 25 * 3), 3, after: i / 25 * 3), KeptPart);
            }

            Cursor cursor = Cursor.Start.With(scene.Origin, new Offset(store.Lane(scene.Own)!.Value.NextOffset.Value));
            await store.CommitAsync(ConsumerName.Parse("reader" + (i < 10 ? i : i % 3)), P0, cursor, default);
            await store.SetRegisterAsync(Fleet, "session/" + (i < 10 ? i : i % 3),
                System.Text.Encoding.UTF8.GetBytes($"{round} {i}{new string(' ', pad)}"), default);
            await scene.Store.IngestAsync(Ny, [Foreign(ny, i, round)], default);
            StateItem joined = StateItems.Of(P0, ConsumerName.Parse("abroad" + (i % 3)), Cursor.Start.With(Of("ny"), new Offset(i)));
            StateItem held = StateItems.Of(P0, new HeldRun(new SequenceRun(Car(900 + round), 3, 1 + (i * 10), 5 + (i * 10)), Of("la"),
                new Offset(((round * 1000) + i) * 10)));
            await store.JoinAsync([joined, held, StateItems.Of(Of("la", (ulong)(round * 100) + 1))], default);
        }
    }

    private static LaneEntry Foreign(in LaneStatus ny, int i, int round) => new()
    {
        Number = ny.NextEntry + i,
        Kind = EntryKind.Events,
        BaseOffset = ny.NextOffset + (i * 2),
        EventCount = 2,
        AppendedAt = 1000 + i,
        After = AfterVector.Empty,
        Path = ReplicationPath.StartingAt(Ny.Origin),
        Body = Batch(Car(500 + round), 1 + (i * 2), 2, after: i * 2, topic: $"ny{i % 4}").Bytes,
    };

    private static EventBatch Big(ProducerId producer, int i)
    {
        EventBatchBuilder builder = new();
        byte[] payload = new byte[900];
        new Random(i).NextBytes(payload);
        for (int n = 0; n < 3; n++)
        {
            builder.TryAdd(System.Text.Encoding.UTF8.GetBytes($"topic {producer.Value} {i / 10}"), default, default, payload, i);
        }

        return builder.Build(new EventIdentity(producer, 7, 1 + (i * 3)), i == 0 ? default : (7UL, (long)i * 3), mayHaveTwins: false);
    }

    private static async Task TrimAsync(Scene scene, double share)
    {
        foreach (LaneStatus lane in scene.Store.Lanes().Where(l => l.Lane.Partition.Stream == Fleet))
        {
            EntryNumber first = new((long)(lane.NextEntry.Value * (lane.Lane == Ny ? 1.0 : share)));
            await scene.Store.TrimAsync(lane.Lane, first, default);
        }
    }

    // All that a container knows, as lines.
    private static async Task<string[]> KnownAsync(Scene scene)
    {
        Container store = scene.Store;
        List<string> lines = [$"origin {store.Origin}"];
        foreach (StateItem item in store.State().Where(i => i.Kind is not StateKind.Held and not StateKind.Topics))
        {
            lines.Add($"{item.Kind} {item.Partition} {Convert.ToHexString(item.Body.Span)}");
        }

        foreach (StreamPath stream in store.Streams)
        {
            lines.Add($"stream {stream} {store.Settings(stream)}");
            lines.AddRange(store.Topics(stream, 10_000).Select(t => $"Topics {stream} {t.Topic} {t.CreatedAt}"));
        }

        foreach (LaneStatus lane in store.Lanes())
        {
            lines.Add($"lane {lane}");
            lines.AddRange(store.Chain(lane.Lane).Select(p => $"chain {lane.Lane} {p}"));
            foreach (LaneEntry entry in await scene.EntriesAsync(lane.Lane))
            {
                lines.Add($"entry {lane.Lane} {entry.Number} {entry.BaseOffset} {Crc32C.Compute(entry.Body.Span)}");
            }
        }

        foreach (StreamPartition partition in (StreamPartition[])[P0, Part(1), KeptPart])
        {
            foreach (int car in (int[])[1, 2, 101, 102, 201, 202, 501, 502, 901, 902])
            {
                lines.AddRange(store.Held(Car(car), partition, 0).Select(h => $"held {partition} {h}"));
            }
        }

        lines.Sort(StringComparer.Ordinal);
        return [.. lines];
    }

    private static void AssertSame(string[] expected, string[] actual, string when)
    {
        string[] lost = [.. expected.Except(actual)];
        string[] invented = [.. actual.Except(expected)];
        Assert.True(lost.Length + invented.Length == 0,
            $"{when}: lost {string.Join(" | ", lost.Take(5))}; invented {string.Join(" | ", invented.Take(5))}");
    }
}
