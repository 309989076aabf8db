using Streams.Core;

namespace Streams.Client.Tests;

/// <summary>What the files take on disk when events are staged, replaced, dropped and numbered.</summary>
public sealed class PolicyBoundsTests
{
    private static readonly OutboxPolicy[] Policies = [OutboxPolicy.DropOldest, OutboxPolicy.KeepLatestPerKey, OutboxPolicy.DropNewest,
        OutboxPolicy.Reject, OutboxPolicy.DropOldest];

    [Theory]
    [InlineData(1, 1 << 20)]
    [InlineData(2, 3 << 20)]
    [InlineData(3, 8 << 20)]
    public async Task Database_and_journal_stay_within_the_cap_under_all_policies_and_after_restarts(int seed, long cap)
    {
        Random random = new(seed);
        await using PolicyStory story = new(cap);
        long greatest = 0;
        for (int life = 0; life < 3; life++)
        {
            for (long written = 0; written < 3 * cap;)
            {
                List<Task<PublishReceipt>> publishes = [];
                for (int i = 0; i < 64; i++)
                {
                    int bytes = random.Next(10) switch { 0 => random.Next(9000), 1 => 2100, 2 => 4070, _ => random.Next(300) };
                    OutboxPolicy policy = Policies[random.Next(Policies.Length)];
                    TimeSpan? timeToLive = random.Next(5) == 0 ? TimeSpan.FromMinutes(random.Next(1, 60)) : null;
                    Task<PublishReceipt> publish = story.PublishAsync($"car-{random.Next(50)}/{policy}", policy, bytes,
                        $"k{random.Next(500)}", timeToLive).AsTask();
                    written += bytes;
                    if (policy != OutboxPolicy.KeepLatestPerKey)
                    {
                        publishes.Add(publish);           // those may wait in vain
                    }
                }

                await Task.WhenAll(publishes);
                Check();
                if (random.Next(20) == 0)
                {
                    story.Time.Advance(TimeSpan.FromMinutes(random.Next(20)));
                    await story.RestAsync();
                    Check();
                }

                if (random.Next(30) == 0)
                {
                    await story.SendAsync();
                    Check();
                    await story.TakeAsync(200);
                    await story.SendAsync(false);
                    Check();
                }
            }

            await story.RestartAsync(killed: random.Next(2) == 0);
        }

        Assert.InRange(greatest, cap / 3, cap);

        void Check()
        {
            long bytes = Size(story.File) + Size(story.File + "-wal") + Size(story.File + "-shm");
            greatest = Math.Max(greatest, bytes);
            Assert.True(bytes <= cap, $"{Size(story.File)} + {Size(story.File + "-wal")} + {Size(story.File + "-shm")}"
                + $" are {bytes} of {cap} bytes");
        }
    }

    [Fact]
    public async Task A_great_event_makes_room_for_itself_in_parts_and_what_comes_behind_it_stays_behind_it()
    {
        await using PolicyStory story = new(1 << 20);
        for (int i = 0; i < 10; i++)
        {
            await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => story.PublishAsync("t", OutboxPolicy.DropOldest, 500).AsTask()));
        }

        Task<PublishReceipt> great = story.PublishAsync("t", OutboxPolicy.DropOldest, 300_000).AsTask();
        Task<PublishReceipt> small = story.PublishAsync("t", OutboxPolicy.DropOldest, 500).AsTask();
        await Task.WhenAll(great, small);
        await story.DrainAsync();
        Assert.EndsWith(" t:1001 t:1002", story.Told, StringComparison.Ordinal);
        Assert.Equal(1002, story.Sent.Sum(static s => s.Gap?.Events ?? 1));
        Assert.InRange(story.Sent.Count, 250, 700);

        // One that fits only alone takes all, and is stored.
        await story.SendAsync(false);
        await story.PublishAsync("t", OutboxPolicy.DropOldest, 500);
        await story.PublishAsync("t", OutboxPolicy.DropOldest, 900_000);
        await story.DrainAsync();
        Assert.EndsWith(" (t Full 1 1003-1003) t:1004", story.Told, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_write_that_the_disk_refuses_leaves_the_stage_as_it_was_and_it_goes_on_when_there_is_room()
    {
        await using PolicyStory story = new(1 << 20);
        long stored = 0;
        for (int round = 0; round < 3; round++)
        {
            await story.Outbox.RunAsync(static t =>
            {
                t.Database.Execute($"PRAGMA max_page_count={t.Database.Scalar("PRAGMA page_count") + 6}");
                return 0;
            });
            int refused = 0;
            for (int i = 0; i < 10; i++)
            {
                // Some are stored and some are not: whoever is told that it is stored is right.
                foreach (Task<PublishReceipt> publish in Enumerable.Range(0, 30).Select(n => story.PublishAsync("t",
                    Policies[n % 2], 600, $"k{n % 7}", n % 3 == 0 ? TimeSpan.FromHours(1) : null).AsTask()).ToArray())
                {
                    refused += await publish.ContinueWith(
                        static p => p.Exception?.InnerException is StorageFailedException { IsFull: true }, TaskScheduler.Default) ? 1 : 0;
                }

                await story.CheckAsync();
            }

            Assert.InRange(refused, 1, 300);
            stored += 301 - refused;
            await story.Outbox.RunAsync(static t =>
            {
                t.Database.Execute("PRAGMA max_page_count=100000");
                return 0;
            });
            await story.PublishAsync("t", OutboxPolicy.DropOldest);
            await story.SendAsync();
            await story.TakeAsync(20);
            await story.SendAsync(false);
            await story.CheckAsync();
        }

        await story.RestartAsync(killed: true);
        await story.CheckAsync();
        await story.DrainAsync();
        Assert.Equal(stored, story.Sent.Sum(static s => s.Gap?.Events ?? 1));
        Assert.All(story.Sent.GroupBy(static s => s.Partition), static p => Assert.Equal(
            Enumerable.Range(1, p.Count()).Select(static i => (long)i), p.Select(static s => s.Identity.Sequence)));
    }

    [Fact]
    public async Task A_journal_that_a_reader_holds_leaves_the_stage_as_it_was()
    {
        await using PolicyStory story = new(1 << 20);
        await story.PublishAsync("t", OutboxPolicy.DropOldest, 3000);
        int stored = 1;
        int refused = 0;
        using (OutboxDatabase reader = new(story.File, writable: false))
        {
            reader.Execute("BEGIN");
            Assert.Equal(1, reader.Scalar("SELECT count(*) FROM staged"));
            for (int i = 0; i < 500 && refused < 2; i++)
            {
                try
                {
                    await story.PublishAsync("t", OutboxPolicy.DropOldest, 3000);
                    stored++;
                }
                catch (StorageFailedException e) when (e.IsFull)
                {
                    refused++;
                }
            }
        }

        Assert.Equal(2, refused);
        await story.CheckAsync();
        await story.DrainAsync();
        Assert.Equal(stored, story.Sent.Sum(static s => s.Gap?.Events ?? 1));
        await story.CheckAsync();
    }

    [Fact]
    public async Task What_cannot_make_enough_room_is_not_dropped_in_vain()
    {
        await using PolicyStory story = new(100_000);
        for (int i = 0; i < 60; i++)
        {
            await story.PublishAsync("t", i % 3 == 0 ? OutboxPolicy.DropOldest : OutboxPolicy.Block, 1500);
        }

        Task<PublishReceipt> waits = story.PublishAsync("t", OutboxPolicy.Block, 50_000).AsTask();
        Assert.Equal(PublishOutcome.Dropped, (await story.PublishAsync("t", OutboxPolicy.DropOldest, 50_000)).Outcome);
        Assert.Equal(60 + 1, story.Outbox.Events);       // and the gap
        await story.DrainAsync();
        await waits;
        await story.DrainAsync();
        Assert.Equal(Enumerable.Range(1, 61), story.Sent.Where(static s => s.Gap is null).Select(static s => s.Number));
    }

    [Fact]
    public async Task A_file_of_before_there_were_rules_is_gone_on_with()
    {
        await using PolicyStory story = new(100_000);
        await story.PublishAsync("t", OutboxPolicy.Block);
        await story.Outbox.RunAsync(static t =>
        {
            t.Database.Execute("DROP TABLE stages; DROP TABLE ages; DROP TABLE gaps");
            return 0;
        });
        await story.RestartAsync(killed: true);
        await story.PublishAsync("t", OutboxPolicy.DropOldest, timeToLive: TimeSpan.FromHours(1));
        await story.PublishAsync("t", OutboxPolicy.Block);
        await story.DrainAsync();
        Assert.Equal("t:1 t:2 t:3", story.Told);
    }

    private static long Size(string file) => new FileInfo(file) is { Exists: true } info ? info.Length : 0;
}
