using System.Text;
using Streams.Client;
using Streams.Core;
using Streams.Gateways;
using Streams.Testing;

namespace Streams.EdgeAgent.Tests;

/// <summary>What the store does with events that take routes, while no cluster answers and when one does.</summary>
public sealed class RouteStoreTests : StoreScene
{
    private readonly CollectingLogger _logger = new();
    private LocalStoreOptions _options = new(string.Empty, ClusterName.Parse("line-4")) { GoesUp = _ => true };

    private LocalStore Local => (LocalStore)Store;

    [Fact]
    public async Task The_first_route_that_matches_counts_and_what_matches_none_goes_up_as_ever()
    {
        await UseAsync(new Route("fleet/+/alarm") { Stream = StreamPath.Parse("/alarms") }, new Route("fleet/#") { IsLocal = true });
        await AppendAsync("a", "c1/alarm");
        await AppendAsync("b", "c1/speed");
        await AppendAsync("c", "c1/speed", partition: new StreamPartition(StreamPath.Parse("/plant"), new PartitionId(0)));
        Assert.Equal(["/alarms a"], (await PlaceAsync()).Select(e => $"{e.Target.Stream} {e.Payload}"));
        Assert.Equal(["a", "b"], await PayloadsAsync());
        LaneRow plant = Local.UpLanes.Single(l => l.Lane.Partition.Stream.Value == "/plant");
        Assert.Single(Local.ReadUp(plant, 0, 1 << 20).Entries);
        LaneRow fleet = Local.UpLanes.Single(l => l.Lane.Partition.Stream.Value == "/fleet");
        Assert.Equal((0, 2L), (Local.ReadUp(fleet, 0, 1 << 20).Entries.Count, Local.ReadUp(fleet, 0, 1 << 20).Next));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Of_topics_that_keep_the_latest_one_event_each_goes_up_and_a_gap_tells_of_the_others(bool isKilled)
    {
        await UseAsync(new Route("fleet/#") { Policy = OutboxPolicy.KeepLatestPerKey });
        await Task.WhenAll(AppendAsync("a1", "a", at: 1), AppendAsync("a2", "a", at: 2), AppendAsync("b1", "b", at: 3));
        if (isKilled)
        {
            await KillAsync();
        }

        await AppendAsync("a3", "a", at: 4);
        List<Placed> up = await PlaceAsync();
        Assert.Equal(["b b1", "a a3"], up.Where(e => e.Gap is null).Select(e => $"{e.Topic} {e.Payload}"));
        Placed gap = Assert.Single(up, e => e.Gap is not null);
        Assert.Equal(("a", GapReason.Superseded, 2L), (gap.Topic, gap.Gap!.Reason, gap.Gap.Events));
        Assert.Equal([1, 2], new[] { gap.Gap.First, gap.Gap.Last }.Select(t => (t - DateTimeOffset.UnixEpoch).Ticks / 10));
        Assert.Equal(["a1", "a2", "a3", "b1"], (await PayloadsAsync()).Order());
        await AppendAsync("a4", "a");
        Assert.Equal(["a4"], (await PlaceAsync()).Select(e => e.Payload));
    }

    [Fact]
    public async Task What_has_waited_for_too_long_does_not_go_up_whatever_the_wall_clock_was_set_to_and_a_gap_tells_of_it()
    {
        await UseAsync(new Route("fleet/#") { TimeToLive = TimeSpan.FromMinutes(10) });
        await AppendAsync("old", "a");
        Time.StepWallClock(TimeSpan.FromDays(30));
        Time.Advance(TimeSpan.FromMinutes(4));
        await AppendAsync("young", "b");
        await ReopenAsync();
        Time.StepWallClock(TimeSpan.FromDays(-31));
        Time.Advance(TimeSpan.FromMinutes(7));
        List<Placed> up = await PlaceAsync();
        Assert.Equal(["young"], up.Where(e => e.Gap is null).Select(e => e.Payload));
        Assert.Equal((GapReason.Expired, 1L), (Assert.Single(up, e => e.Gap is not null) is var gap ? (gap.Gap!.Reason, gap.Gap.Events)
            : default));
        Assert.Equal(["old", "young"], await PayloadsAsync());
    }

    [Fact]
    public async Task What_waits_is_let_go_when_it_is_too_old_without_a_cluster()
    {
        await UseAsync(new Route("fleet/#") { TimeToLive = TimeSpan.FromMinutes(10) });
        await AppendAsync("old");
        Assert.Equal(1, Local.RoutedWaiting);
        await Eventually.TrueWhileAdvancingAsync(Time, TimeSpan.FromMinutes(1), () => Local.RoutedWaiting == 0, "it is too old");
        Assert.True(Time.Elapsed >= TimeSpan.FromMinutes(10));
    }

    [Fact]
    public async Task A_full_route_does_as_its_policy_says()
    {
        Route full = new("fleet/#") { MaxBytes = 3 * (64 + 1 + 5) };
        await UseAsync(full with { Policy = OutboxPolicy.DropOldest });
        await AppendManyAsync(5);
        Assert.Equal(["n3", "n4", "n5", "gap Full 2"], (await PlaceAsync()).Select(e => e.Text).Order(Gaps.Last));
        await GoneAsync();

        await UseAsync(full with { Policy = OutboxPolicy.DropNewest });
        await AppendManyAsync(5);
        Assert.Equal(["n1", "n2", "n3", "gap Full 2"], (await PlaceAsync()).Select(e => e.Text).Order(Gaps.Last));
        await GoneAsync();

        await UseAsync(full with { Policy = OutboxPolicy.Block });
        await AppendManyAsync(3);
        await Assert.ThrowsAsync<TryAgainException>(() => AppendAsync("n4xxx"));
        await UseAsync(full with { Policy = OutboxPolicy.Reject });
        await AppendManyAsync(3);
        await Assert.ThrowsAsync<InvalidRequestException>(() => AppendAsync("n4xxx"));
        Assert.Equal(["n1", "n1", "n2", "n2", "n3", "n3"], (await PlaceAsync()).Select(e => e.Text).Order());
    }

    [Fact]
    public async Task A_full_route_is_full_after_a_restart_too_and_what_a_cluster_took_makes_room()
    {
        await UseAsync(new Route("fleet/#") { MaxBytes = 3 * (64 + 1 + 5) });
        await AppendManyAsync(3);
        await KillAsync();
        await Assert.ThrowsAsync<TryAgainException>(() => AppendAsync("n4xxx"));
        await PlaceAsync();
        await Assert.ThrowsAsync<TryAgainException>(() => AppendAsync("n4xxx"));
        await GoneAsync();
        await AppendAsync("n4xxx");
    }

    [Fact]
    public async Task One_of_several_goes_up_by_number_or_by_time_and_all_are_here_in_order()
    {
        await UseAsync(new Route("fleet/n/#") { Every = 3 }, new Route("fleet/t/#") { Interval = TimeSpan.FromMinutes(1) });
        for (int i = 0; i < 7; i++)
        {
            await Task.WhenAll(AppendAsync($"n{i}", "n/a", client: "d"), AppendAsync($"m{i}", "n/b", client: "d"),
                AppendAsync($"t{i}", "t/a", client: "d"));
            Time.Advance(TimeSpan.FromSeconds(25));
        }

        string[] up = [.. (await PlaceAsync()).Select(e => e.Text)];
        Assert.Equal(["n0", "n3", "n6"], up.Where(p => p[0] == 'n'));
        Assert.Equal(["m0", "m3", "m6"], up.Where(p => p[0] == 'm'));
        Assert.Equal(["t0", "t3", "t6"], up.Where(p => p[0] == 't'));
        string[] here = await PayloadsAsync();
        Assert.Equal(Enumerable.Range(0, 7).Select(i => $"n{i}"), here.Where(p => p[0] == 'n'));
        Assert.Equal(21, here.Length);
    }

    [Fact]
    public async Task A_priority_goes_before_those_behind_it_and_those_get_their_share()
    {
        await UseAsync(new Route("fleet/alarm") { Priority = 0 }, new Route("fleet/#") { Priority = 9 });
        for (int i = 0; i < 40; i++)
        {
            await AppendAsync(new string('l', 1000), "log");
            await AppendAsync(new string('a', 1000), "alarm");
        }

        List<Placed> up = await PlaceAsync(16 << 10);
        Assert.InRange(up.Count(e => e.Topic == "alarm"), 12, 20);
        Assert.InRange(up.Count(e => e.Topic == "log"), 1, 3);
        Assert.Equal("alarm", up[0].Topic);
    }

    [Fact]
    public async Task Sequences_of_what_goes_up_have_no_holes_whatever_was_dropped_and_are_the_same_after_a_crash()
    {
        await UseAsync(new Route("fleet/keep/#") { Policy = OutboxPolicy.KeepLatestPerKey }, new Route("fleet/few/#") { Every = 2 });
        for (int i = 0; i < 20; i++)
        {
            await AppendAsync($"k{i}", $"keep/{i % 3}", client: "d");
            await AppendAsync($"f{i}", "few/a", client: "d");
        }

        await PlaceAsync();
        for (int i = 0; i < 4; i++)
        {
            await AppendAsync($"late{i}", "few/a", client: "d");
        }

        await PlaceAsync();
        List<PlacedBatch> before = Local.Placed();
        await KillAsync();
        List<PlacedBatch> after = Local.Placed();
        Assert.Equal(before.Select(b => Convert.ToHexString(b.Batch.Bytes.Span)),
            after.Select(b => Convert.ToHexString(b.Batch.Bytes.Span)));
        Assert.All(after, b => Assert.True(b.WasTried));
        foreach (IGrouping<(ProducerId, StreamPartition), PlacedBatch> line in after.GroupBy(b => (b.Batch.Header.Producer, b.Target)))
        {
            long next = 1;
            foreach (PlacedBatch batch in line)
            {
                Assert.Equal(next, batch.Batch.Header.FirstSequence);
                next = batch.Batch.Header.LastSequence + 1;
            }
        }

        Assert.Equal(12 + 3, after.Sum(b => b.Batch.Header.Count) - after.Count(b => new Placed(b, 0).Gap is not null));
    }

    [Fact]
    public async Task What_is_stored_keeps_the_route_that_it_had_when_others_come_and_over_a_restart()
    {
        await UseAsync(new Route("fleet/#") { Stream = StreamPath.Parse("/first"), Policy = OutboxPolicy.KeepLatestPerKey });
        await AppendAsync("old");
        await Local.UseRoutesAsync([new Route("fleet/#") { Stream = StreamPath.Parse("/second") }]);
        await AppendAsync("new");
        await Local.UseRoutesAsync([]);
        await AppendAsync("none");
        _options = _options with { Routes = [] };
        await KillAsync();
        Assert.Equal(["/first old", "/second new"], (await PlaceAsync()).Select(e => $"{e.Target.Stream} {e.Payload}"));
        Assert.Equal(["none"], Texts(Local.ReadUp(Local.UpLanes[0], 0, 1 << 20).Entries.Single().Batch));
    }

    [Fact]
    public async Task A_day_without_a_cluster_fits_into_a_small_store_where_the_latest_is_kept()
    {
        _options = _options with { MaxBytes = LocalStoreOptions.LeastBytes };
        await UseAsync(new Route("fleet/#") { Policy = OutboxPolicy.KeepLatestPerKey });
        for (int round = 0; round < 25; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 40).Select(i => AppendAsync(new string((char)('a' + (round % 26)), 20_000), $"t{i}")));
        }

        Assert.Equal(40, Local.RoutedWaiting);
        List<Placed> up = await PlaceAsync(int.MaxValue);
        Assert.Equal(40, up.Count(e => e.Gap is null));
        Assert.Equal(24 * 40, up.Sum(e => e.Gap?.Events ?? 0));
        Assert.All(up.Where(e => e.Gap is null), e => Assert.Equal((char)('a' + 24), e.Payload[0]));
    }

    [Fact]
    public async Task A_full_store_lets_go_what_its_routes_let_go_before_it_refuses()
    {
        _options = _options with { MaxBytes = LocalStoreOptions.LeastBytes };
        await UseAsync(new Route("fleet/trace") { Policy = OutboxPolicy.DropOldest });
        int kept = 0;
        for (int i = 0; i < 350; i++)
        {
            await AppendAsync(new string('t', 50_000), "trace");
            if (i % 10 == 0)
            {
                await AppendAsync($"keep{i}", "kept");
                kept++;
            }
        }

        Assert.Equal(kept, Local.ReadUp(Local.UpLanes[0], 0, 1 << 20).Entries.Count);
        List<Placed> up = await PlaceAsync(int.MaxValue);
        Assert.Equal(350, up.Count(e => e.Gap is null) + up.Sum(e => e.Gap?.Events ?? 0));
        Assert.True(up.Sum(e => e.Gap?.Events ?? 0) > 10);
    }

    [Fact]
    public async Task What_waits_under_routes_is_saved_from_a_damaged_file()
    {
        await UseAsync(new Route("fleet/a") { Stream = StreamPath.Parse("/first") }, new Route("fleet/never") { IsLocal = true },
            new Route("fleet/keep") { Policy = OutboxPolicy.KeepLatestPerKey });
        await AppendAsync("placed", "a");
        PlacedBatch sent = Assert.Single(await Local.PlaceAsync(1, default));
        await AppendAsync("waits", "a");
        await AppendAsync("local", "never");
        await AppendAsync("k1", "keep");
        await AppendAsync("k2", "keep");
        await AppendAsync("plain", "other");
        string file = Path.Combine(Folder, "agent.db");
        await Local.DisposeAsync();
        using (OutboxDatabase database = new(file, writable: true))
        {
            database.Execute("UPDATE meta SET value=0 WHERE key='clean'");
            database.Execute("CREATE TABLE other(x); INSERT INTO other SELECT randomblob(3000) FROM (VALUES (1), (2), (3), (4))");
            database.TryWriteBack(1000, out _, out _);
        }

        using (FileStream damage = File.OpenWrite(file))
        {
            damage.Seek(-4096, SeekOrigin.End);
            damage.Write(Encoding.ASCII.GetBytes(new string('?', 4096)));
        }

        await ReopenAsync();
        Assert.True(Local.Saved > 0);
        StreamPartition first = new(StreamPath.Parse("/first"), sent.Target.Partition);
        List<string> up = [.. Local.UpLanes.SelectMany(l => Local.ReadUp(l, 0, 1 << 20).Entries)
            .SelectMany(e => Texts(e.Batch)).Order()];
        Assert.Equal(["k2", "placed", "plain", "waits"], up);
        Assert.Contains(sent.Batch.Header.Producer, Local.UpLanes.Where(l => l.Lane.Partition == first)
            .SelectMany(l => Local.ReadUp(l, 0, 1 << 20).Entries).Select(e => e.Batch.Header.Producer));
    }

    internal override Task<(IEventStore Store, IAsyncDisposable Open)> OpenAsync(string folder)
    {
        LocalStore store = LocalStore.Open(_options with { Path = Path.Combine(folder, "agent.db") }, Time, new Random(1), _logger);
        return Task.FromResult<(IEventStore, IAsyncDisposable)>((store, store));
    }

    private async Task UseAsync(params Route[] routes)
    {
        _options = _options with { Routes = [.. routes] };
        await ReopenAsync();
    }

    // Of the same length each.
    private async Task AppendManyAsync(int count)
    {
        for (int i = 1; i <= count; i++)
        {
            await AppendAsync($"n{i}xxx");
        }
    }

    private async Task<List<Placed>> PlaceAsync(int maxBytes = 1 << 20)
    {
        List<Placed> all = [];
        while (true)
        {
            List<PlacedBatch> placed = await Local.PlaceAsync(maxBytes, default);
            foreach (PlacedBatch batch in placed)
            {
                all.AddRange(Enumerable.Range(0, batch.Batch.Header.Count).Select(i => new Placed(batch, i)));
            }

            if (placed.Count == 0 || maxBytes < 1 << 20)
            {
                return all;
            }
        }
    }

    private async Task GoneAsync() =>
        await Local.RunAsync(new UpOperation([], [.. Local.Placed().Select(p => p.Id)], []) { Cost = 256 }, default);

    private static List<string> Texts(EventBatch batch) =>
        [.. Enumerable.Range(0, batch.Header.Count).Select(i => new Placed(new PlacedBatch(0, default, batch, false), i).Payload)];

    // An event of what was placed.
    private sealed class Placed
    {
        public Placed(PlacedBatch batch, int index)
        {
            Target = batch.Target;
            foreach (EventView view in batch.Batch.Events)
            {
                if (view.Index == index)
                {
                    Topic = Encoding.UTF8.GetString(view.Topic.Span);
                    Payload = Encoding.UTF8.GetString(view.Payload.Span);
                    Gap = EventHeader.TryDecode(view.Headers, out IReadOnlyList<EventHeader> headers) ? GapHeaders.Read(headers) : null;
                }
            }
        }

        public StreamPartition Target { get; }

        public string Topic { get; } = string.Empty;

        public string Payload { get; } = string.Empty;

        public EventGap? Gap { get; }

        public string Text => Gap is { } gap ? $"gap {gap.Reason} {gap.Events}" : Payload.TrimEnd('x');
    }

    private sealed class Gaps : IComparer<string>
    {
        public static readonly Gaps Last = new();

        public int Compare(string? x, string? y) =>
            (x!.StartsWith("gap", StringComparison.Ordinal), x).CompareTo((y!.StartsWith("gap", StringComparison.Ordinal), y));
    }
}
