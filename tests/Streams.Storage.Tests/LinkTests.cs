using Streams.Core;
using static Streams.Storage.Tests.Scene;

namespace Streams.Storage.Tests;

/// <summary>What comes over links: exact numbers, any order, any repetition.</summary>
public sealed class LinkTests
{
    private static readonly ConsumerName Reader = ConsumerName.Parse("reader");

    [Fact]
    public async Task Entries_are_taken_only_behind_the_ones_that_are_here()
    {
        await using Scene ny = await FilledAsync("ny", 5);
        await using Scene scene = await OpenAsync();
        LaneId lane = new(P0, Of("ny"));
        List<LaneEntry> entries = await ny.EntriesAsync(lane);

        Assert.Equal(new IngestResult(IngestOutcome.Ahead, EntryNumber.Zero), await scene.Store.IngestAsync(lane, entries[2..4], default));
        Assert.Null(scene.Store.Lane(lane));
        Assert.Equal(new IngestResult(IngestOutcome.Taken, new EntryNumber(3)), await scene.Store.IngestAsync(lane, entries[..3], default));
        Assert.Equal(new IngestResult(IngestOutcome.Taken, new EntryNumber(5)), await scene.Store.IngestAsync(lane, entries[1..5],
            default));
        Assert.Equal(new IngestResult(IngestOutcome.Taken, new EntryNumber(5)), await scene.Store.IngestAsync(lane, entries[..2], default));
        List<LaneEntry> here = await scene.EntriesAsync(lane);
        Assert.Equal(entries[..5].Select(e => Convert.ToHexString(e.Body.Span)), here.Select(e => Convert.ToHexString(e.Body.Span)));
        Assert.All(here, e => Assert.Equal($"{Of("ny")}→{scene.Origin}", e.Path.ToString()));
    }

    [Fact]
    public async Task R16_of_state_that_two_links_bring_at_once_only_what_is_new_is_given_and_once()
    {
        await using Scene scene = await OpenAsync();
        await scene.Store.JoinAsync([StateItems.Of(Of("ny", 3))], default);
        StateItem[] items = [StateItems.Of(Of("ny", 3)), StateItems.Of(Of("la", 5)), StateItems.Of(Of("rio", 6))];

        // Both wait while the first flush is under way, so they share a group.
        scene.Disk.FlushGate.Reset();
        Task commit = scene.Store.CommitAsync(Reader, P0, Cursor.Start.With(Of("ny"), new Offset(1)), default).AsTask();
        Task<IReadOnlyList<StateItem>> one = scene.Store.JoinAsync(items[..2], default).AsTask();
        Task<IReadOnlyList<StateItem>> other = scene.Store.JoinAsync(items, default).AsTask();
        scene.Disk.FlushGate.Set();
        await commit;

        Assert.Equal([items[1]], await one, ItemBytes.Instance);
        Assert.Equal([items[2]], await other, ItemBytes.Instance);
    }

    [Fact]
    public async Task The_store_tells_which_lanes_grew_behind_a_mark_and_no_others()
    {
        await using Scene ny = await FilledAsync("ny", 6);
        await using Scene scene = await OpenAsync();
        ProducerSession session = scene.Store.BeginProducer(Car(9));
        LaneId foreign = new(P0, Of("ny"));
        List<LaneEntry> entries = await ny.EntriesAsync(foreign);
        await scene.SendAsync(session, Batch(Car(9), 1, 1));
        await scene.Store.IngestAsync(foreign, entries[..2], default);

        List<LaneStatus> grown = [];
        long mark = scene.Store.Grown(0, grown);
        Assert.Equal([foreign, scene.Own], grown.Select(l => l.Lane));
        Assert.Equal(new EntryNumber(2), grown[0].NextEntry);

        grown.Clear();
        Assert.Equal(mark, scene.Store.Grown(mark, grown));
        Assert.Empty(grown);

        await scene.SendAsync(session, Batch(Car(9), 2, 1, after: 1));
        long later = scene.Store.Grown(mark, grown);
        Assert.Equal([scene.Own], grown.Select(l => l.Lane));

        grown.Clear();
        await scene.Store.IngestAsync(foreign, entries[2..4], default);
        _ = scene.Store.Grown(later, grown);
        Assert.Equal([foreign], grown.Select(l => l.Lane));
        _ = scene.Store.Grown(mark, grown);
        Assert.Equal([foreign, foreign, scene.Own], grown.Select(l => l.Lane));
        await scene.ReopenAsync();
        grown.Clear();
        _ = scene.Store.Grown(0, grown);
        Assert.Equal(2, grown.Count);
    }

    [Fact]
    public async Task A_fork_is_seen_changes_nothing_and_is_reported()
    {
        await using Scene ny = await FilledAsync("ny", 4);
        await using Scene scene = await OpenAsync();
        LaneId lane = new(P0, Of("ny"));
        List<LaneEntry> entries = await ny.EntriesAsync(lane);
        await scene.Store.IngestAsync(lane, entries[..4], default);
        LaneEntry other = Copy(entries[2], Batch(Car(77), 1, entries[2].EventCount).Bytes);

        Assert.Equal(IngestOutcome.Fork, (await scene.Store.IngestAsync(lane, [other, .. entries[4..]], default)).Outcome);
        Assert.Equal(4, scene.Store.Lane(lane)!.Value.NextEntry.Value);
        Assert.Contains(scene.Log.Lines, l => l.Id.Id == 1007 && l.Text.Contains(lane.ToString()));
        Assert.Equal(IngestOutcome.Taken, (await scene.Store.IngestAsync(lane, entries, default)).Outcome);
    }

    [Fact]
    public async Task An_entry_that_begins_at_another_offset_is_a_fork()
    {
        await using Scene ny = await FilledAsync("ny", 4);
        await using Scene scene = await OpenAsync();
        LaneId lane = new(P0, Of("ny"));
        List<LaneEntry> entries = await ny.EntriesAsync(lane);
        await scene.Store.IngestAsync(lane, entries[..3], default);
        LaneEntry e = entries[3];
        LaneEntry shifted = new()
        {
            Number = e.Number, Kind = e.Kind, BaseOffset = e.BaseOffset + 1, EventCount = e.EventCount, AppendedAt = e.AppendedAt,
                Path = e.Path, Body = e.Body,
        };
        Assert.Equal(IngestOutcome.Fork, (await scene.Store.IngestAsync(lane, [shifted], default)).Outcome);
    }

    [Fact]
    public async Task A_damaged_batch_is_refused_and_nothing_of_its_delivery_is_stored()
    {
        await using Scene ny = await FilledAsync("ny", 4);
        await using Scene scene = await OpenAsync();
        LaneId lane = new(P0, Of("ny"));
        List<LaneEntry> entries = await ny.EntriesAsync(lane);
        byte[] damaged = entries[^1].Body.ToArray();
        damaged[^1] ^= 1;
        await Assert.ThrowsAsync<InvalidFormatException>(async () =>
            await scene.Store.IngestAsync(lane, [.. entries[..^1], Copy(entries[^1], damaged)], default));
        Assert.Null(scene.Store.Lane(lane));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public async Task Any_order_and_repetition_of_pieces_and_crashes_between_converge_to_identical_lanes(int seed)
    {
        Random chance = new(seed);
        await using Scene ny = await FilledAsync("ny", 30);
        await using Scene la = await FilledAsync("la", 30);
        await using Scene scene = await OpenAsync(seed, new ContainerOptions { SegmentBytes = 16 << 10, AllocationBytes = 4 << 10 });
        (LaneId Lane, List<LaneEntry> Entries)[] sources =
            [(new LaneId(P0, Of("ny")), await ny.EntriesAsync(new LaneId(P0, Of("ny")))), (new LaneId(P0, Of("la")),
                await la.EntriesAsync(new LaneId(P0, Of("la"))))];
        List<StateItem> state = [.. ny.Store.State(), .. la.Store.State()];
        while (!sources.All(s => scene.Store.Lane(s.Lane)?.NextEntry.Value == s.Entries.Count))
        {
            List<Task> pieces = [];
            for (int i = 0; i < 6; i++)
            {
                (LaneId lane, List<LaneEntry> entries) = sources[chance.Next(2)];
                int from = Math.Max(0, (int)(scene.Store.Lane(lane)?.NextEntry.Value ?? 0) - chance.Next(4) + chance.Next(3));
                int count = Math.Min(chance.Next(1, 8), entries.Count - from);
                pieces.Add(count <= 0 ? Task.CompletedTask : scene.Store.IngestAsync(lane, entries.GetRange(from, count),
                    default).AsTask());
                pieces.Add(scene.Store.JoinAsync([.. Enumerable.Range(0, 3).Select(_ => state[chance.Next(state.Count)])],
                    default).AsTask());
            }

            await Task.WhenAll(pieces);
            if (chance.Next(6) == 0)
            {
                await scene.CrashAsync(chance);
            }
        }

        await scene.Store.JoinAsync(state, default);
        Assert.Empty(await scene.Store.JoinAsync(state, default));
        foreach ((LaneId lane, List<LaneEntry> entries) in sources)
        {
            List<LaneEntry> here = await scene.EntriesAsync(lane);
            Assert.Equal(entries.Select(e => (e.Number, e.BaseOffset, e.AppendedAt, Convert.ToHexString(e.Body.Span))),
                here.Select(e => (e.Number, e.BaseOffset, e.AppendedAt, Convert.ToHexString(e.Body.Span))));
            Scene source = lane.Origin == Of("ny") ? ny : la;
            Assert.Equal(source.Store.Held(Car(1), P0, 0), scene.Store.Held(Car(1), P0, 0).Where(h => h.Origin == lane.Origin));
            Cursor cursor = source.Store.Cursor(Reader, P0);
            Assert.Equal(cursor[lane.Origin], scene.Store.Cursor(Reader, P0)[lane.Origin]);
        }
    }

    [Fact]
    public async Task R8_a_gap_at_the_beginning_starts_the_copy_there_and_runs_before_it_stay_held()
    {
        await using Scene ny = await FilledAsync("ny", 10);
        await using Scene scene = await OpenAsync();
        LaneId lane = new(P0, Of("ny"));
        List<LaneEntry> entries = await ny.EntriesAsync(lane);
        await scene.Store.IngestAsync(lane, entries[..4], default);
        long held = scene.Store.Held(Car(1), P0, 0).Sum(h => h.Run.Last - h.Run.First + 1);
        Assert.DoesNotContain(scene.Store.State(), i => i.Kind == StateKind.Held);

        await scene.Store.SkipToAsync(lane, entries[3].Number, entries[3].BaseOffset, default);
        Assert.Equal(4, scene.Store.Lane(lane)!.Value.NextEntry.Value);
        await scene.Store.SkipToAsync(lane, entries[7].Number, entries[7].BaseOffset, default);
        LaneStatus status = scene.Store.Lane(lane)!.Value;
        Assert.Equal((entries[7].Number, entries[7].Number, entries[7].BaseOffset), (status.FirstEntry, status.NextEntry,
            status.NextOffset));
        Assert.Equal(IngestOutcome.Taken, (await scene.Store.IngestAsync(lane, entries[6..], default)).Outcome);
        await scene.CrashAsync(new Random(3));
        Assert.Equal(entries.Count - 7, (await scene.EntriesAsync(lane)).Count);
        Assert.Equal(held, scene.Store.Held(Car(1), P0, 0).Where(h => h.FirstOffset < entries[4].BaseOffset).Sum(h
            => h.Run.Last - h.Run.First + 1));

        // A newcomer learns of them as joined state, with their places.
        await using Scene late = await OpenAsync(9);
        Assert.NotEmpty(await late.Store.JoinAsync([.. scene.Store.State()], default));
        Assert.Equal(held, late.Store.Held(Car(1), P0, 0).Sum(h => h.Run.Last - h.Run.First + 1));
        Assert.All(late.Store.Held(Car(1), P0, 0), h => Assert.Equal(Of("ny"), h.Origin));
    }

    [Fact]
    public async Task R16_state_since_a_revision_is_what_changed_since()
    {
        await using Scene ny = await FilledAsync("ny", 10);
        await using Scene scene = await OpenAsync();
        LaneId lane = new(P0, Of("ny"));
        await scene.Store.JoinAsync([.. ny.Store.State()], default);
        await scene.Store.IngestAsync(lane, await ny.EntriesAsync(lane), default);
        List<StateItem> all = [.. scene.Store.State(0, out long revision)];
        Assert.NotEmpty(all);
        Assert.Empty(scene.Store.State(revision, out long same));
        Assert.Equal(revision, same);

        ConsumerName other = ConsumerName.Parse("other");
        await scene.Store.SetRegisterAsync(Fleet, "colour", "red"u8.ToArray(), default);
        await scene.Store.CommitAsync(other, P0, scene.Store.Cursor(Reader, P0), default);
        await scene.Store.JoinAsync(all, default); // nothing new
        List<StateItem> changed = [.. scene.Store.State(revision, out long next)];
        Assert.Equal([StateKind.Cursor, StateKind.Register], changed.Select(i => i.Kind).Order());
        Assert.Empty(scene.Store.State(next, out _));

        // What retention removes becomes state at that moment (rule R8), though the runs are old.
        LaneStatus status = scene.Store.Lane(lane)!.Value;
        await scene.Store.SkipToAsync(lane, status.NextEntry + 5, status.NextOffset + 9, default);
        changed = [.. scene.Store.State(next, out _)];
        Assert.NotEmpty(changed);
        Assert.All(changed, i => Assert.Equal(StateKind.Held, i.Kind));
    }

    [Fact]
    public async Task R14_entries_of_the_own_lane_are_taken_back_and_a_new_incarnation_goes_on_in_another_lane()
    {
        List<LaneEntry> entries;
        await using (Scene whole = await OpenAsync())
        {
            await FillAsync(whole, 6);
            entries = await whole.EntriesAsync();
        }

        await using Scene scene = await OpenAsync();
        await scene.Store.IngestAsync(scene.Own, entries[..4], default);
        Assert.Equal(4, scene.Store.Lane(scene.Own)!.Value.NextEntry.Value);
        ProducerSession session = scene.Store.BeginProducer(Car(5));
        Assert.NotEmpty(await scene.Store.JoinAsync([StateItems.Of(Sj(50))], default));
        await scene.Store.OpenIncarnationAsync("a neighbour holds more", default);

        Origin next = scene.Store.Origin;
        Assert.True(next.Incarnation > new Incarnation(50));
        Assert.Equal(next.Incarnation, scene.Store.LatestIncarnation(next.Cluster));
        Assert.Equal(ProduceRefusal.OlderSession, (await scene.SendAsync(session, Batch(Car(5), 1, 1))).Refusal);
        ProduceResult result = await scene.SendAsync(scene.Store.BeginProducer(Car(5)), Batch(Car(5), 1, 1));
        Assert.Equal([new PlacedRun(1, 1, next, Offset.Zero)], result.Placed);
        Assert.Equal(EntryKind.Opened, (await scene.EntriesAsync(new LaneId(P0, next)))[0].Kind);

        await scene.CrashAsync(null, write: false);
        Assert.Equal(next, scene.Store.Origin);
        await Assert.ThrowsAsync<InvalidRequestException>(async () => await scene.Store.StartWritingAsync(Sj(2), default));
        await scene.Store.StartWritingAsync(next, default);
    }

    [Fact]
    public async Task R15_an_incarnation_heard_of_in_any_way_closes_the_earlier_ones()
    {
        await using Scene scene = await OpenAsync();
        Assert.Null(scene.Store.LatestIncarnation(ClusterName.Parse("ny")));
        await using Scene ny = await FilledAsync("ny", 1);
        await scene.Store.IngestAsync(new LaneId(P0, Of("ny")), await ny.EntriesAsync(new LaneId(P0, Of("ny"))), default);
        Assert.Equal(new Incarnation(1), scene.Store.LatestIncarnation(ClusterName.Parse("ny")));
        Assert.NotEmpty(await scene.Store.JoinAsync([StateItems.Of(Of("ny", 8))], default));
        Assert.Empty(await scene.Store.JoinAsync([StateItems.Of(Of("ny", 3))], default));
        Assert.Equal(new Incarnation(8), scene.Store.LatestIncarnation(ClusterName.Parse("ny")));
    }

    private static async Task<Scene> FilledAsync(string cluster, int batches)
    {
        Scene scene = new(cluster.Length + batches) { Origin = Of(cluster) };
        await scene.OpenStoreAsync();
        await FillAsync(scene, batches);
        return scene;
    }

    private static async Task FillAsync(Scene scene, int batches)
    {
        ProducerSession session = scene.Store.BeginProducer(Car(1));
        for (int i = 0; i < batches; i++)
        {
            await scene.SendAsync(session, Batch(Car(1), 1 + (i * 3), 3, after: i * 3, topic: $"t{i % 7}"));
            if (i % 3 == 0)
            {
                await scene.Store.CommitAsync(Reader, P0, Cursor.Start.With(scene.Origin, new Offset(i * 3)), default);
            }
        }
    }
}
