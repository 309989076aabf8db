using Streams.Testing;

namespace Streams.Faults;

/// <summary>The judge of the fault table, with what a device told written by hand.</summary>
public sealed class JudgeTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void What_is_given_once_and_in_order_is_good_also_what_nobody_knows_to_be_published()
    {
        // The process was killed in the middle of 3: it may be there or not.
        var log = Told("1 opened", "2 begun 1", "3 published 1", "4 begun 2", "5 begun 3", "6 published 2", "7 stored 1 sj.1:0");
        Assert.True(Compare(log, 1, 2).IsGood);
        Assert.True(Compare(log, 1, 2, 3).IsGood);
        Assert.Equal((2, 1), (Compare(log, 1, 2).Published, Compare(log, 1, 2).Acknowledged));
    }

    [Fact]
    public void Losses_repetitions_and_disorder_are_counted()
    {
        var log = Told(
            "1 begun 1", "1 published 1", "1 begun 2", "1 published 2", "1 begun 3", "1 published 3", "1 begun 4", "1 failed 4 full");
        Assert.Equal((1, 0, 0), Counted(Compare(log, 1, 3)));
        Assert.Equal((0, 1, 0), Counted(Compare(log, 1, 2, 2, 3)));
        Assert.Equal((0, 0, 1), Counted(Compare(log, 1, 3, 2)));
        Assert.Equal((0, 1, 0), Counted(Compare(log, 1, 2, 3, 4)));
        Assert.Contains("nobody published", Assert.Single(Compare(log, 1, 2, 3, 5).Findings), StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_policy_drops_must_be_what_gaps_tell_of()
    {
        var log = Told("1 begun 1", "1 published 1", "1 begun 2", "1 published 2", "1 dropped 2 Dropped", "1 begun 3", "1 published 3");
        SeenEvent gap = new("t", 0, 1);
        Assert.True(Judge.Compare(log, [Event(1), gap, Event(3)], mayDrop: true).IsGood);
        Assert.False(Judge.Compare(log, [Event(1), Event(3)], mayDrop: true).IsGood);
        Assert.False(Judge.Compare(log, [Event(1), gap, Event(2), Event(3)], mayDrop: true).IsGood);
        Assert.Equal((1, 0, 0), Counted(Judge.Compare(log, [Event(1), gap], mayDrop: true)));
        Assert.Equal((1, 0, 0), Counted(Judge.Compare(log, [Event(1), Event(3)], mayDrop: false)));
    }

    [Fact]
    public void Each_kind_of_sabotage_is_noticed_at_every_place()
    {
        var log = Told([.. Enumerable.Range(1, 9).SelectMany(n => (string[])[$"1 begun {n}", $"2 published {n}"])]);
        var chance = new Random(1);
        for (var i = 0; i < 100; i++)
        {
            foreach (var sabotage in (Sabotage[])[Sabotage.Drop, Sabotage.Repeat, Sabotage.Swap])
            {
                List<SeenEvent> seen = [.. Enumerable.Range(1, 9).Select(n => new SeenEvent($"t{n % 3}", n))];
                Saboteur.Strike(sabotage, seen, chance);
                Assert.Equal(
                    sabotage switch { Sabotage.Drop => (1, 0, 0), Sabotage.Repeat => (0, 1, 0), _ => (0L, 0L, 1L) },
                    Counted(Judge.Compare(log, seen, mayDrop: false)));
            }
        }
    }

    [Fact]
    public void A_line_that_was_cut_by_a_kill_was_never_said()
    {
        var log = Told("1 begun 1", "1 published 1", "1 begun 2");
        File.AppendAllText(log.File, "1 published 2");
        log.Refresh();
        Assert.Equal([1], log.Published);
        File.AppendAllText(log.File, "\n");
        log.Refresh();
        Assert.Equal([1, 2], log.Published.Order());
    }

    private static Tally Compare(DeviceLog log, params int[] given) => Judge.Compare(log, [.. given.Select(Event)], mayDrop: false);

    private static SeenEvent Event(int number) => new("t", number);

    private static (long Lost, long Duplicate, long OutOfOrder) Counted(Tally tally) => (tally.Lost, tally.Duplicate, tally.OutOfOrder);

    private DeviceLog Told(params string[] lines)
    {
        var log = new DeviceLog(_directory.Combine("log"));
        File.WriteAllLines(log.File, lines);
        log.Refresh();
        return log;
    }
}
