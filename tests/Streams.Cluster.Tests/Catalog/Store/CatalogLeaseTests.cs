using Microsoft.Extensions.Logging.Abstractions;
using Streams.Core;
using Streams.Testing;

namespace Streams.Cluster.Tests;

/// <summary>What a holder believes, by a clock that the test moves.</summary>
public sealed class CatalogLeaseTests : IDisposable
{
    private static readonly TimeSpan Ttl = TimeSpan.FromSeconds(20);
    private readonly TemporaryDirectory _directory = new();
    private readonly VirtualTime _time = new();

    [Fact]
    public void Belief_counts_from_before_the_request_and_ends_a_twentieth_early()
    {
        LeaseBelief before = LeaseBelief.Now(_time);
        _time.Advance(TimeSpan.FromSeconds(3));
        LeaseBelief belief = before with { TimeToLive = Ttl };
        Assert.Equal(TimeSpan.FromSeconds(16), belief.Remaining(_time));
        _time.Advance(TimeSpan.FromSeconds(16));
        Assert.Equal(TimeSpan.Zero, belief.Remaining(_time));
    }

    [Fact]
    public void A_wall_clock_set_forward_ends_belief_and_one_set_back_does_not_prolong_it()
    {
        LeaseBelief belief = LeaseBelief.Now(_time) with { TimeToLive = Ttl };
        _time.StepWallClock(TimeSpan.FromHours(-1));
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(TimeSpan.FromSeconds(9), belief.Remaining(_time));

        // As after the sleep of a machine, during which the monotonic clock stood still.
        _time.StepWallClock(TimeSpan.FromHours(2));
        Assert.Equal(TimeSpan.Zero, belief.Remaining(_time));
    }

    [Fact]
    public async Task A_lease_is_kept_for_as_long_as_wanted()
    {
        await using FileCatalogStore store = FileCatalogStore.Open(_directory.Combine("c.json"), _time);
        await using CatalogLease lease = await CatalogLease.HoldAsync(store, Ttl, _time, NullLogger.Instance);
        await store.CommitAsync(CatalogTransaction.Put("mine", new byte[1], 0, lease.Id));
        TimeSpan end = _time.Elapsed + (10 * Ttl);
        await Eventually.TrueWhileAdvancingAsync(_time, TimeSpan.FromSeconds(1), () => !lease.IsHeld || _time.Elapsed > end, "time passes");
        Assert.True(lease.IsHeld);
        Assert.NotNull(await store.GetAsync("mine"));
    }

    [Fact]
    public async Task A_store_that_refuses_is_believed_until_the_time_is_over()
    {
        FileCatalogStore store = FileCatalogStore.Open(_directory.Combine("c.json"), _time);
        CatalogLease lease = await CatalogLease.HoldAsync(store, Ttl, _time, NullLogger.Instance);
        await store.RevokeLeaseAsync(lease.Id);
        Assert.True(lease.IsHeld);
        await Eventually.TrueWhileAdvancingAsync(
            _time, TimeSpan.FromSeconds(1), () => lease.Lost.IsCancellationRequested, "the holder is told");
        Assert.False(lease.IsHeld);
        Assert.True(_time.Elapsed < Ttl);
        await lease.DisposeAsync();
        await store.DisposeAsync();
    }

    public void Dispose() => _directory.Dispose();
}
