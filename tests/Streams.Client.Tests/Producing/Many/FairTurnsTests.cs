namespace Streams.Client.Tests;

public sealed class FairTurnsTests
{
    [Fact]
    public void Everybody_gets_its_share_of_the_bytes_however_great_its_batches_are()
    {
        FairTurns<string> turns = new();
        Turn<string>[] all = [new("small"), new("great"), new("double", 2)];
        Dictionary<string, long> taken = all.ToDictionary(static t => t.Owner, static _ => 0L);
        foreach (Turn<string> each in all)
        {
            turns.Enter(each);
        }

        for (int i = 0; i < 20_000; i++)
        {
            Assert.True(turns.TryNext(4096, out Turn<string> turn));
            Assert.True(turn.Credit > 0);
            int bytes = turn.Owner == "great" ? 100_000 : (int)Math.Min(turn.Credit, 700);
            taken[turn.Owner] += bytes;
            turns.Spent(turn, bytes);
        }

        Assert.InRange((double)taken["great"] / taken["small"], 0.95, 1.05);
        Assert.InRange((double)taken["double"] / taken["small"], 1.9, 2.1);
    }

    [Fact]
    public void Who_comes_waits_for_one_share_of_each_of_the_others_at_most()
    {
        FairTurns<int> turns = new();
        Turn<int>[] busy = [.. Enumerable.Range(0, 50).Select(static i => new Turn<int>(i))];
        foreach (Turn<int> each in busy)
        {
            turns.Enter(each);
        }

        Turn<int> late = new(99);
        turns.TryNext(1000, out Turn<int> first);
        turns.Spent(first, 1000);
        turns.Enter(late);
        turns.Enter(late);
        int others = 0;
        for (Turn<int>? turn = null; turn != late; others++)
        {
            Assert.True(turns.TryNext(1000, out turn));
            turns.Spent(turn, 1000);
        }

        Assert.Equal(51, others);
        turns.Leave(late);
        Assert.Equal(50, turns.Count);
    }

    [Fact]
    public void What_is_owed_is_not_forgiven_by_leaving_and_what_was_not_used_is_gone()
    {
        FairTurns<int> turns = new();
        Turn<int> one = new(1);
        turns.Enter(one);
        turns.TryNext(100, out _);
        turns.Spent(one, 1000);
        turns.Leave(one);
        Assert.Equal(-900, one.Credit);
        turns.Enter(one);
        Assert.True(turns.TryNext(100, out _));
        turns.Spent(one, 1);
        turns.Leave(one);
        Assert.True(one.Credit <= 0);
        Assert.False(turns.TryNext(100, out _));
    }
}
