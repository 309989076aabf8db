using Streams.Core;
using Streams.Testing;

namespace Streams.Cluster.Tests;

public sealed class FileCatalogStoreTests : CatalogStoreContract, IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private string File => _directory.Combine("cluster.json");

    private protected override Task<ICatalogStore> OpenAsync() => Task.FromResult<ICatalogStore>(Open());

    [Fact]
    public async Task What_was_answered_outlives_the_process_and_leases_do_not()
    {
        LeaseGrant lease;
        CatalogOutcome kept;
        await using (FileCatalogStore store = Open())
        {
            lease = await store.GrantLeaseAsync(TimeSpan.FromHours(1));
            kept = await store.CommitAsync(CatalogTransaction.Put("a", Bytes("1"), 0));
            await store.CommitAsync(CatalogTransaction.Put("mine", Bytes("1"), 0, lease.Id));
        }

        await using FileCatalogStore again = Open();
        Assert.Equal("a=1", await ListAsync(again, ""));
        Assert.Null(await again.KeepAliveAsync(lease.Id));
        Assert.NotEqual(lease.Id, (await again.GrantLeaseAsync(TimeSpan.FromHours(1))).Id);
        CatalogOutcome next = await again.CommitAsync(CatalogTransaction.Put("a", Bytes("2"), kept.Revision));
        Assert.True(next.IsDone && next.Revision > kept.Revision + 1);
    }

    [Fact]
    public async Task One_process_holds_it()
    {
        await using FileCatalogStore store = Open();
        Assert.Contains("in use", Assert.Throws<TryAgainException>(Open).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_damaged_file_is_said_and_left_as_it_is()
    {
        await using (FileCatalogStore store = Open())
        {
            await store.CommitAsync(CatalogTransaction.Put("a", Bytes("1"), 0));
        }

        string text = System.IO.File.ReadAllText(File).Replace("\"a\"", "\"b\"", StringComparison.Ordinal);
        System.IO.File.WriteAllText(File, text);
        Assert.Contains("checksum", Assert.Throws<ConfigurationException>(Open).Message, StringComparison.Ordinal);
        Assert.Equal(text, System.IO.File.ReadAllText(File));
    }

    [Fact]
    public async Task A_watch_that_fell_behind_gets_everything_anew()
    {
        await using FileCatalogStore store = FileCatalogStore.Open(File, new CatalogFiles(), TimeProvider.System, history: 3);
        await store.CommitAsync(new([], [new("gone", Bytes("1"))]));
        await using IAsyncEnumerator<CatalogNews> watch = store.WatchAsync("").GetAsyncEnumerator();
        Assert.True(await watch.MoveNextAsync());
        await store.CommitAsync(new([], [new("gone", null)]));
        for (int i = 0; i < 10; i++)
        {
            await store.CommitAsync(new([], [new("a", Bytes($"{i}"))]));
        }

        Assert.True(await watch.MoveNextAsync());
        Assert.Equal(CatalogNewsKind.Snapshot, watch.Current.Kind);
        Assert.Equal(["a"], watch.Current.Changes.Select(c => c.Key));
    }

    [Fact]
    public async Task A_quiet_watch_says_that_it_is_alive()
    {
        VirtualTime time = new();
        await using FileCatalogStore store = FileCatalogStore.Open(File, time);
        await using WatchLog watch = new(store, "");
        await Eventually.TrueWhileAdvancingAsync(time, TimeSpan.FromSeconds(5), () => watch.Alives >= 3, "it says so");
        Assert.Equal(1, watch.Snapshots);
    }

    public void Dispose() => _directory.Dispose();

    private FileCatalogStore Open() => FileCatalogStore.Open(File, TimeProvider.System);
}
