using Microsoft.Extensions.Logging.Abstractions;
using Streams.Core;
using Streams.Testing;

namespace Streams.Cluster.Tests;

/// <summary>One etcd for a class of tests; each test has a cluster of its own in it.</summary>
public sealed class EtcdFixture : IAsyncLifetime
{
    private EtcdServer? _server;
    private int _clusters;

    internal EtcdServer Server => _server!;

    internal ClusterName NextCluster() => ClusterName.Parse($"c{Interlocked.Increment(ref _clusters)}");

    public async Task InitializeAsync() => _server = await EtcdServer.StartAsync();

    public async Task DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }
}

public sealed class EtcdCatalogStoreTests(EtcdFixture etcd) : CatalogStoreContract, IClassFixture<EtcdFixture>
{
    private protected override Task<ICatalogStore> OpenAsync() => Task.FromResult<ICatalogStore>(Open(etcd.NextCluster(), "n1"));

    [Fact]
    public async Task Clusters_and_writers_share_etcd()
    {
        ClusterName cluster = etcd.NextCluster();
        await using EtcdCatalogStore one = Open(cluster, "n1");
        await using EtcdCatalogStore two = Open(cluster, "n2");
        await using EtcdCatalogStore foreign = Open(etcd.NextCluster(), "n1");
        await foreign.CommitAsync(CatalogTransaction.Put("a", Bytes("foreign"), 0));
        CatalogOutcome first = await one.CommitAsync(CatalogTransaction.Put("a", Bytes("1"), 0));
        Assert.True((await two.CommitAsync(CatalogTransaction.Put("a", Bytes("2"), first.Revision))).IsDone);
        Assert.False((await one.CommitAsync(CatalogTransaction.Put("a", Bytes("3"), first.Revision))).IsDone);
        Assert.Equal("a=2", await ListAsync(one, ""));
        Assert.Equal("a=foreign", await ListAsync(foreign, ""));
    }

    [Fact]
    public async Task A_later_process_of_the_same_name_shuts_the_earlier_one_out()
    {
        ClusterName cluster = etcd.NextCluster();
        await using EtcdCatalogStore early = Open(cluster, "n1");
        Assert.True((await early.CommitAsync(CatalogTransaction.Put("a", Bytes("1"), 0))).IsDone);
        await using EtcdCatalogStore late = Open(cluster, "n1");
        Assert.True((await late.CommitAsync(new([], [new("a", Bytes("2"))]))).IsDone);

        CatalogTransaction tooLate = new([], [new("a", Bytes("3"))]);
        ConfigurationException fault = await Assert.ThrowsAsync<ConfigurationException>(() => early.CommitAsync(tooLate));
        Assert.Contains("another process writes the catalog as 'n1'", fault.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ConfigurationException>(() => early.CommitAsync(tooLate));
        Assert.Equal("a=2", await ListAsync(early, ""));
        Assert.True((await late.CommitAsync(new([], [new("a", Bytes("4"))]))).IsDone);
    }

    [Fact]
    public async Task A_listing_of_many_pages_is_whole()
    {
        await using EtcdCatalogStore store = Open(etcd.NextCluster(), "n1");
        for (int i = 0; i < 2100; i += 50)
        {
            await store.CommitAsync(new([], [.. Enumerable.Range(i, 50).Select(n => new CatalogWrite($"k{n:0000}", Bytes($"{n}")))]));
        }

        CatalogSnapshot all = await store.ListAsync("k");
        Assert.Equal(Enumerable.Range(0, 2100).Select(n => $"k{n:0000}"), all.Entries.Select(e => e.Key));
    }

    [Fact]
    public void Faults_of_the_options_are_told_together()
    {
        EtcdOptions wrong = new()
        {
            Cluster = ClusterName.Parse("sj"),
            Writer = "node 1",
            Endpoints = [new Uri("http://h:2379/v3"), new Uri("https://h:2379")],
            User = "u",
            AttemptTimeout = TimeSpan.Zero,
        };
        string message = Assert.Throws<ConfigurationException>(
            () => EtcdCatalogStore.Open(wrong, TimeProvider.System, NullLogger.Instance)).Message;
        Assert.Equal(5, message.Split('\n').Length);
    }

    private EtcdCatalogStore Open(ClusterName cluster, string writer) => EtcdCatalogStore.Open(
        new EtcdOptions { Cluster = cluster, Writer = writer, Endpoints = [etcd.Server.Endpoint] }, TimeProvider.System,
        NullLogger.Instance);
}
