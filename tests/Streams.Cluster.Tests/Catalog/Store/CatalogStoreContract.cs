using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Streams.Core;
using Streams.Testing;

namespace Streams.Cluster.Tests;

/// <summary>What every catalog store does. Each implementation runs all of it.</summary>
public abstract class CatalogStoreContract
{
    private static readonly TimeSpan Ttl = TimeSpan.FromSeconds(1);

    /// <summary>An empty store.</summary>
    private protected abstract Task<ICatalogStore> OpenAsync();

    [Fact]
    public async Task What_was_written_is_read()
    {
        await using ICatalogStore store = await OpenAsync();
        Assert.Null(await store.GetAsync("a"));
        CatalogOutcome written = await store.CommitAsync(CatalogTransaction.Put("a", Bytes("1"), 0));
        Assert.True(written.IsDone);
        CatalogEntry entry = Assert.IsType<CatalogEntry>(await store.GetAsync("a"));
        Assert.Equal(("a", "1", written.Revision, 0L), (entry.Key, Text(entry), entry.Revision, entry.Lease));
    }

    [Fact]
    public async Task A_write_needs_the_revision_that_is_there()
    {
        await using ICatalogStore store = await OpenAsync();
        CatalogOutcome first = await store.CommitAsync(CatalogTransaction.Put("a", Bytes("1"), 0));
        Assert.Equal(CatalogVerdict.ConditionFailed, (await store.CommitAsync(CatalogTransaction.Put("a", Bytes("2"), 0))).Verdict);
        CatalogOutcome second = await store.CommitAsync(CatalogTransaction.Put("a", Bytes("2"), first.Revision));
        Assert.True(second.IsDone && second.Revision > first.Revision);
        Assert.False((await store.CommitAsync(CatalogTransaction.Put("a", Bytes("3"), first.Revision))).IsDone);
        Assert.False((await store.CommitAsync(CatalogTransaction.Delete("a", first.Revision))).IsDone);
        Assert.True((await store.CommitAsync(CatalogTransaction.Delete("a", second.Revision))).IsDone);
        Assert.Null(await store.GetAsync("a"));
        Assert.False((await store.CommitAsync(CatalogTransaction.Delete("a", second.Revision))).IsDone);
        Assert.True((await store.CommitAsync(CatalogTransaction.Put("a", Bytes("4"), 0))).IsDone);
    }

    [Fact]
    public async Task A_transaction_is_done_whole_or_not_at_all()
    {
        await using ICatalogStore store = await OpenAsync();
        await store.CommitAsync(CatalogTransaction.Put("a", Bytes("1"), 0));
        CatalogTransaction both = new([new("a", 0)], [new("a", Bytes("2")), new("b", Bytes("2"))]);
        Assert.False((await store.CommitAsync(both)).IsDone);
        Assert.Equal("a=1", await ListAsync(store, ""));

        CatalogOutcome done = await store.CommitAsync(both with { Conditions = [new("b", 0)] });
        Assert.True(done.IsDone);
        CatalogSnapshot all = await store.ListAsync("");
        Assert.Equal([done.Revision, done.Revision], all.Entries.Select(e => e.Revision));
        Assert.True((await store.CommitAsync(new([], [new("a", null), new("b", Bytes("3"))]))).IsDone);
        Assert.Equal("b=3", await ListAsync(store, ""));
    }

    [Fact]
    public async Task Of_many_writers_of_a_revision_one_wins()
    {
        await using ICatalogStore store = await OpenAsync();
        CatalogOutcome[] outcomes = await Task.WhenAll(
            Enumerable.Range(0, 20).Select(i => store.CommitAsync(CatalogTransaction.Put("a", Bytes($"{i}"), 0))));
        Assert.Single(outcomes, outcome => outcome.IsDone);
    }

    [Fact]
    public async Task A_listing_is_of_its_prefix_in_order()
    {
        await using ICatalogStore store = await OpenAsync();
        foreach (string key in new[] { "n/b", "n/a", "n0", "m/z", "n/a/c" })
        {
            await store.CommitAsync(CatalogTransaction.Put(key, Bytes("."), 0));
        }

        Assert.Equal("n/a=. n/a/c=. n/b=.", await ListAsync(store, "n/"));
        Assert.Equal("", await ListAsync(store, "x"));
        Assert.Equal(5, (await store.ListAsync("")).Entries.Count);
    }

    [Fact]
    public async Task What_is_no_key_or_too_great_is_refused()
    {
        await using ICatalogStore store = await OpenAsync();
        await Assert.ThrowsAsync<InvalidRequestException>(() => store.GetAsync(""));
        await Assert.ThrowsAsync<InvalidRequestException>(() => store.GetAsync("a b"));
        await Assert.ThrowsAsync<InvalidRequestException>(() => store.ListAsync(new string('x', CatalogLimits.MaxKeyBytes + 1)));
        await Assert.ThrowsAsync<InvalidRequestException>(
            () => store.CommitAsync(CatalogTransaction.Put("a", new byte[CatalogLimits.MaxValueBytes + 1], 0)));
        await Assert.ThrowsAsync<InvalidRequestException>(() => store.CommitAsync(new([], [])));
        await Assert.ThrowsAsync<InvalidRequestException>(() => store.CommitAsync(new([], [new("a", null), new("a", null)])));
        await Assert.ThrowsAsync<InvalidRequestException>(() => store.GrantLeaseAsync(TimeSpan.FromMilliseconds(1500)));
    }

    [Fact]
    public async Task The_greatest_transaction_is_taken()
    {
        await using ICatalogStore store = await OpenAsync();
        const int Size = 12 << 10;
        List<CatalogWrite> writes =
            [.. Enumerable.Range(0, CatalogLimits.MaxOperations).Select(i => new CatalogWrite($"k{i:00}", new byte[Size]))];
        CatalogOutcome done = await store.CommitAsync(new([.. writes.Select(w => new CatalogCondition(w.Key, 0))], writes));
        Assert.True(done.IsDone);
        Assert.All((await store.ListAsync("k")).Entries, e => Assert.Equal((done.Revision, Size), (e.Revision, e.Value.Length)));
    }

    [Fact]
    public async Task Entries_of_a_lease_end_with_it()
    {
        await using ICatalogStore store = await OpenAsync();
        LeaseGrant lease = await store.GrantLeaseAsync(Ttl);
        Assert.NotEqual(0, lease.Id);
        Assert.True(lease.TimeToLive >= Ttl);
        await store.CommitAsync(new([], [new("mine", Bytes("1"), lease.Id), new("lasting", Bytes("1"))]));
        Assert.Equal(lease.Id, (await store.GetAsync("mine"))!.Lease);

        await store.RevokeLeaseAsync(lease.Id);
        Assert.Equal("lasting=1", await ListAsync(store, ""));
        Assert.Null(await store.KeepAliveAsync(lease.Id));
        await store.RevokeLeaseAsync(lease.Id);
        Assert.Equal(CatalogVerdict.LeaseOver,
            (await store.CommitAsync(CatalogTransaction.Put("mine", Bytes("2"), 0, lease.Id))).Verdict);
        Assert.Equal("lasting=1", await ListAsync(store, ""));
    }

    [Fact]
    public async Task A_lease_that_nobody_keeps_ends_and_the_watch_tells()
    {
        await using ICatalogStore store = await OpenAsync();
        LeaseGrant dropped = await store.GrantLeaseAsync(Ttl);
        await using CatalogLease kept = await CatalogLease.HoldAsync(store, 10 * Ttl, TimeProvider.System, NullLogger.Instance);
        await store.CommitAsync(new([], [new("dropped", Bytes("1"), dropped.Id), new("kept", Bytes("1"), kept.Id)]));
        await using WatchLog watch = new(store, "");
        await watch.SeesAsync("dropped=1", "kept=1");

        await watch.SeesAsync("kept=1");
        Assert.Null(await store.KeepAliveAsync(dropped.Id));
        Assert.Equal(["-dropped"], watch.Changes);
        Assert.True(kept.IsHeld);
        Assert.False(kept.Lost.IsCancellationRequested);
    }

    [Fact]
    public async Task A_lease_given_back_is_lost_at_once()
    {
        await using ICatalogStore store = await OpenAsync();
        CatalogLease lease = await CatalogLease.HoldAsync(store, TimeSpan.FromMinutes(1), TimeProvider.System, NullLogger.Instance);
        await store.CommitAsync(CatalogTransaction.Put("mine", Bytes("1"), 0, lease.Id));
        Assert.True(lease.IsHeld);
        await lease.DisposeAsync();
        Assert.False(lease.IsHeld);
        Assert.True(lease.Lost.IsCancellationRequested);
        Assert.Null(await store.GetAsync("mine"));
    }

    [Fact]
    public async Task A_watch_tells_what_is_and_each_change_in_order()
    {
        await using ICatalogStore store = await OpenAsync();
        await store.CommitAsync(CatalogTransaction.Put("w/a", Bytes("1"), 0));
        await using WatchLog watch = new(store, "w/");
        await watch.SeesAsync("w/a=1");

        await store.CommitAsync(new([], [new("w/a", Bytes("2")), new("x", Bytes("2"))]));
        CatalogOutcome two = await store.CommitAsync(new([], [new("w/b", Bytes("3")), new("w/c", Bytes("3"))]));
        await store.CommitAsync(new([], [new("w/a", null)]));
        CatalogOutcome last = await store.CommitAsync(new([], [new("w/b", Bytes("4"))]));

        await watch.SeesAsync("w/b=4", "w/c=3");
        Assert.Equal(["w/a=2", "w/b=3", "w/c=3", "-w/a", "w/b=4"], watch.Changes);
        Assert.Equal(1, watch.Snapshots);
        Assert.Equal(last.Revision, watch.News[^1].Revision);
        Assert.Equal(2, watch.News.SelectMany(n => n.Changes).Count(c => c.Revision == two.Revision && c.Entry!.Revision == c.Revision));
    }

    [Fact]
    public async Task Two_watches_see_the_same()
    {
        await using ICatalogStore store = await OpenAsync();
        await using WatchLog one = new(store, "");
        for (int i = 0; i < 30; i++)
        {
            Assert.True((await store.CommitAsync(new([], [new("a", Bytes($"{i}"))]))).IsDone);
        }

        await using WatchLog other = new(store, "");
        await store.CommitAsync(new([], [new("b", Bytes("end"))]));
        await one.SeesAsync("a=29", "b=end");
        await other.SeesAsync("a=29", "b=end");
    }

    private protected static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private protected static string Text(CatalogEntry entry) => Encoding.UTF8.GetString(entry.Value.Span);

    private protected static async Task<string> ListAsync(ICatalogStore store, string prefix) =>
        string.Join(' ', (await store.ListAsync(prefix)).Entries.Select(e => $"{e.Key}={Text(e)}"));
}
