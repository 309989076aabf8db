using System.Net.Http.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Streams.Core;
using Streams.Testing;

namespace Streams.Cluster.Tests;

/// <summary>A real etcd that dies, is cut off, compacts and loses its answers.</summary>
public sealed class EtcdFaultTests : IAsyncLifetime
{
    private static readonly TimeSpan Attempt = TimeSpan.FromMilliseconds(500);

    private EtcdServer? _etcd;
    private CuttingProxy? _proxy;

    private EtcdServer Etcd => _etcd!;

    private CuttingProxy Proxy => _proxy!;

    public async Task InitializeAsync()
    {
        _etcd = await EtcdServer.StartAsync();
        _proxy = CuttingProxy.Start(_etcd.Port);
    }

    public async Task DisposeAsync()
    {
        if (_proxy is not null)
        {
            await _proxy.DisposeAsync();
        }

        if (_etcd is not null)
        {
            await _etcd.DisposeAsync();
        }
    }

    [Fact]
    public async Task Killed_and_started_again_it_has_what_was_answered_and_the_watch_goes_on()
    {
        await using EtcdCatalogStore store = Open("n1", Etcd.Endpoint);
        await using WatchLog watch = new(store, "");
        await watch.SeesAsync();
        await PutAsync(store, "a", "1");
        await watch.SeesAsync("a=1");
        await Etcd.KillAsync();
        await using EtcdCatalogStore hasty = Open("n2", Attempt, Etcd.Endpoint);
        await Assert.ThrowsAsync<TryAgainException>(() => hasty.GetAsync("a"));

        await Etcd.StartAgainAsync();
        await PutAsync(store, "a", "2");
        await Etcd.StopAsync();
        await Etcd.StartAgainAsync();
        await PutAsync(store, "a", "3");
        await watch.SeesAsync("a=3");
        Assert.Equal(["a=1", "a=2", "a=3"], watch.Changes);
        Assert.Equal(1, watch.Snapshots);
    }

    [Fact]
    public async Task The_next_endpoint_is_asked_when_one_is_silent_and_when_one_refuses()
    {
        await using EtcdCatalogStore store = Open("n1", Etcd.At(FreePort.Next()), Etcd.At(Proxy.Port), Etcd.Endpoint);
        await PutAsync(store, "a", "1");
        Proxy.CutOneWay(Direction.ToClient);
        await PutAsync(store, "a", "2");
        Assert.Equal("2", await ReadAsync(store, "a"));
        await using WatchLog watch = new(store, "");
        await watch.SeesAsync("a=2");
        await PutAsync(store, "a", "3");
        await watch.SeesAsync("a=3");
    }

    [Fact]
    public async Task A_transaction_whose_answer_is_lost_is_done_once()
    {
        await using EtcdCatalogStore observer = Open("n2", Etcd.Endpoint);
        await using EtcdCatalogStore store = Open("n1", Etcd.At(Proxy.Port));
        await PutAsync(store, "a", "0");
        await using WatchLog watch = new(observer, "");
        await watch.SeesAsync("a=0");
        Proxy.CutOneWay(Direction.ToClient);
        Task<CatalogOutcome> lost = store.CommitAsync(new([], [new("a", "1"u8.ToArray())]));
        await watch.SeesAsync("a=1");
        Assert.False(lost.IsCompleted);
        await Task.Run(() => Eventually.TrueAsync(() => Proxy.ConnectionsAccepted > 1, "it asks again"));

        // Somebody else writes before the writer knows: it must still learn that its own was done.
        await PutAsync(observer, "a", "other");
        Proxy.Restore();
        CatalogOutcome outcome = await lost;
        Assert.True(outcome.IsDone);
        await PutAsync(store, "b", "1");
        await watch.SeesAsync("a=other", "b=1");
        Assert.Equal(["a=1", "a=other", "b=1"], watch.Changes);
        Assert.Equal(outcome.Revision, watch.News.SelectMany(n => n.Changes).Single(c => c.Key == "a" && Is(c, "1")).Revision);
    }

    [Fact]
    public async Task A_transaction_that_is_late_is_not_done_behind_the_writers_back()
    {
        await using EtcdCatalogStore observer = Open("n2", Etcd.Endpoint);
        await using EtcdCatalogStore store = Open("n1", Etcd.At(Proxy.Port), Etcd.Endpoint);
        await PutAsync(store, "a", "0");
        await using WatchLog watch = new(observer, "");
        await watch.SeesAsync("a=0");
        Proxy.Stall(Direction.ToTarget);
        await PutAsync(store, "a", "1");
        await PutAsync(store, "a", "2");
        long before = Proxy.BytesToTarget;
        Proxy.Restore();
        await Eventually.TrueAsync(() => Proxy.BytesToTarget > before || Proxy.ConnectionsOpen == 0, "the late request arrives");
        await PutAsync(store, "b", "end");
        await watch.SeesAsync("a=2", "b=end");
        Assert.Equal(["a=1", "a=2", "b=end"], watch.Changes);
    }

    [Fact]
    public async Task What_was_not_known_is_known_to_the_next_read()
    {
        await using EtcdCatalogStore store = Open("n1", 2 * Attempt, Etcd.At(Proxy.Port));
        await PutAsync(store, "a", "0");
        Proxy.CutOneWay(Direction.ToClient);
        TryAgainException fault =
            await Assert.ThrowsAsync<TryAgainException>(() => store.CommitAsync(new([], [new("a", "1"u8.ToArray())])));
        Assert.Contains("not known yet", fault.Message, StringComparison.Ordinal);
        Proxy.Restore();
        Assert.Equal("1", await ReadAsync(store, "a"));
    }

    [Fact]
    public async Task Under_random_cuts_each_transaction_is_done_exactly_once()
    {
        SeededRandom random = Seeds.Next();
        await using EtcdCatalogStore observer = Open("n2", Etcd.Endpoint);
        await using EtcdCatalogStore store = Open("n1", Etcd.At(Proxy.Port), Etcd.Endpoint);
        await using WatchLog watch = new(observer, "");
        await watch.SeesAsync();
        int count = Seeds.Rounds(1) * 12;
        for (int i = 0; i < count; i++)
        {
            Task<CatalogOutcome> commit = store.CommitAsync(new([], [new("a", Bytes($"{i}"))]));
            switch (random.Next(4))
            {
                case 0:
                    Proxy.CutOneWay(Direction.ToClient);
                    break;
                case 1:
                    Proxy.CutOneWay(Direction.ToTarget);
                    break;
                case 2:
                    Proxy.Stall(Direction.ToTarget);
                    break;
                default:
                    await Proxy.CutAsync(random.Next(2) == 0 ? CutStyle.Reset : CutStyle.Close);
                    break;
            }

            Assert.True((await commit).IsDone, random.ToString());
            Proxy.Restore();
        }

        await watch.SeesAsync($"a={count - 1}");
        Assert.Equal(Enumerable.Range(0, count).Select(i => $"a={i}"), watch.Changes);
    }

    [Fact]
    public async Task A_holder_that_is_cut_off_stops_believing_before_etcd_does()
    {
        await using EtcdCatalogStore observer = Open("n2", Etcd.Endpoint);
        await using EtcdCatalogStore store = Open("n1", Etcd.At(Proxy.Port));
        await using CatalogLease lease =
            await CatalogLease.HoldAsync(store, TimeSpan.FromSeconds(2), TimeProvider.System, NullLogger.Instance);
        Assert.True((await observer.CommitAsync(CatalogTransaction.Put("n1", Bytes("here"), 0, lease.Id))).IsDone);
        bool believedToTheEnd = false;
        Task watching = Task.Run(async () =>
        {
            await foreach (CatalogNews news in observer.WatchAsync("n1"))
            {
                if (news.Changes.Any(c => c.Entry is null))
                {
                    believedToTheEnd = lease.IsHeld;
                    return;
                }
            }
        });
        Proxy.CutOneWay(Direction.ToTarget);
        Proxy.CutOneWay(Direction.ToClient);
        await watching;
        Assert.False(believedToTheEnd);
        Proxy.Restore();
        await Eventually.TrueAsync(() => lease.Lost.IsCancellationRequested, "the holder is told");
        Assert.False(lease.IsHeld);
        Assert.Null(await store.KeepAliveAsync(lease.Id));
    }

    [Fact]
    public async Task A_watch_reads_everything_anew_when_what_it_missed_is_compacted()
    {
        await using EtcdCatalogStore writer = Open("n2", Etcd.Endpoint);
        await using EtcdCatalogStore store = Open("n1", Etcd.At(Proxy.Port));
        await PutAsync(writer, "gone", "1");
        await using WatchLog watch = new(store, "");
        await watch.SeesAsync("gone=1");
        await Proxy.CutAsync();
        await writer.CommitAsync(new([], [new("gone", null)]));
        await PutAsync(writer, "a", "1");
        CatalogOutcome last = await writer.CommitAsync(new([], [new("a", Bytes("2"))]));
        await CompactAsync(last.Revision);
        Proxy.Restore();
        await watch.SeesAsync("a=2");
        Assert.Equal(2, watch.Snapshots);
        await PutAsync(writer, "a", "3");
        await watch.SeesAsync("a=3");
        Assert.Equal(["a=3"], watch.Changes);
    }

    [Fact]
    public async Task A_watch_whose_line_went_dead_is_made_anew()
    {
        await using EtcdCatalogStore writer = Open("n2", Etcd.Endpoint);
        await using EtcdCatalogStore store = Open("n1", Etcd.At(Proxy.Port), Etcd.Endpoint);
        await using WatchLog watch = new(store, "");
        await watch.SeesAsync();
        int alive = watch.Alives;
        await Eventually.TrueAsync(() => watch.Alives > alive, "a quiet watch is heard of");
        Proxy.CutOneWay(Direction.ToClient);
        Proxy.CutOneWay(Direction.ToTarget);
        await PutAsync(writer, "a", "1");
        await watch.SeesAsync("a=1");
        Assert.Equal(1, watch.Snapshots);
    }

    private static byte[] Bytes(string text) => System.Text.Encoding.UTF8.GetBytes(text);

    private static bool Is(CatalogChange change, string text) => change.Entry?.Value.Span.SequenceEqual(Bytes(text)) == true;

    private static async Task PutAsync(EtcdCatalogStore store, string key, string value) =>
        Assert.True((await store.CommitAsync(new([], [new(key, Bytes(value))]))).IsDone);

    private static async Task<string> ReadAsync(EtcdCatalogStore store, string key) =>
        System.Text.Encoding.UTF8.GetString((await store.GetAsync(key))!.Value.Span);

    private static EtcdCatalogStore Open(string writer, params Uri[] endpoints) => Open(writer, 40 * Attempt, endpoints);

    private static EtcdCatalogStore Open(string writer, TimeSpan callTimeout, params Uri[] endpoints) => EtcdCatalogStore.Open(
        new EtcdOptions
        {
            Cluster = ClusterName.Parse("sj"),
            Writer = writer,
            Endpoints = endpoints,
            AttemptTimeout = Attempt,
            CallTimeout = callTimeout,
            WatchRenewal = TimeSpan.FromMilliseconds(500),
        },
        TimeProvider.System, NullLogger.Instance);

    private async Task CompactAsync(long revision)
    {
        using HttpClient client = new();
        using HttpResponseMessage answer =
            await client.PostAsJsonAsync(new Uri(Etcd.Endpoint, "v3/kv/compaction"), new { revision = $"{revision}", physical = true });
        answer.EnsureSuccessStatusCode();
    }
}
