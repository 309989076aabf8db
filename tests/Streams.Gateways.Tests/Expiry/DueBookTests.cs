namespace Streams.Gateways.Tests;

/// <summary>What is due when, for a bounded number of keys.</summary>
public sealed class DueBookTests
{
    [Fact]
    public void What_is_due_is_taken_in_order_and_once()
    {
        DueBook book = new(10);
        book.Set("b", At(2));
        book.Set("a", At(1));
        book.Set("c", At(3));
        Assert.Equal(At(1), book.Next);
        Assert.Equal(["a", "b"], Take(book, At(2)));
        Assert.Empty(Take(book, At(2)));
        Assert.Equal(["c"], Take(book, At(9)));
        Assert.Null(book.Next);
    }

    [Fact]
    public void What_is_set_again_counts_and_what_is_canceled_does_not()
    {
        DueBook book = new(10);
        book.Set("a", At(1));
        book.Set("a", At(5));
        book.Set("b", At(2));
        book.Cancel("b");
        book.Cancel("never there");
        Assert.Equal(1, book.Count);
        Assert.Empty(Take(book, At(4)));
        Assert.Equal(["a"], Take(book, At(5)));
    }

    [Fact]
    public void Beyond_its_capacity_the_latest_go_and_the_horizon_says_from_when_on()
    {
        DueBook book = new(3);
        for (int i = 5; i > 0; i--)
        {
            book.Set($"k{i}", At(i));
        }

        Assert.Equal((3, (TimeSpan?)At(4)), (book.Count, book.Horizon));
        book.Set("later", At(4));
        book.Set("earlier", At(0));
        Assert.Equal((3, (TimeSpan?)At(3)), (book.Count, book.Horizon));
        Assert.Equal(["earlier", "k1", "k2"], Take(book, At(10)));
        book.Reopen();
        book.Set("later", At(4));
        Assert.Null(book.Horizon);
        Assert.Equal(["later"], Take(book, At(10)));
    }

    // The promise that nothing is forgotten, with few instants so that many are due together.
    [Fact]
    public void All_that_was_set_and_is_due_before_the_horizon_is_held()
    {
        Random chance = new(7);
        for (int round = 0; round < 200; round++)
        {
            DueBook book = new(chance.Next(1, 8));
            Dictionary<string, TimeSpan> wanted = [];
            for (int step = 0; step < 60; step++)
            {
                string key = $"k{chance.Next(20)}";
                if (chance.Next(4) == 0)
                {
                    book.Cancel(key);
                    wanted.Remove(key);
                }
                else
                {
                    wanted[key] = At(chance.Next(6));
                    book.Set(key, wanted[key]);
                }
            }

            TimeSpan horizon = book.Horizon ?? TimeSpan.MaxValue;
            Assert.Equal(wanted.Where(w => w.Value < horizon).OrderBy(static w => w.Value).ThenBy(static w => w.Key, StringComparer.Ordinal)
                .Select(static w => w.Key), Take(book, TimeSpan.MaxValue));
        }
    }

    private static TimeSpan At(int seconds) => TimeSpan.FromSeconds(seconds);

    private static List<string> Take(DueBook book, TimeSpan now)
    {
        List<string> taken = [];
        while (book.TryTake(now, out string key))
        {
            taken.Add(key);
        }

        return taken;
    }
}
