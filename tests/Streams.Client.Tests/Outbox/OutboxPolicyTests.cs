using Streams.Core;
using Streams.Testing;

namespace Streams.Client.Tests;

/// <summary>A full outbox under each policy, and events that grow old.</summary>
public sealed class OutboxPolicyTests
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Fact]
    public async Task DropOldest_keeps_the_newest_and_a_gap_tells_of_the_others_where_they_stood()
    {
        await using PolicyStory story = new();
        List<PublishReceipt> receipts = [];
        for (int i = 0; i < 25; i++)
        {
            receipts.Add(await story.PublishAsync("t", OutboxPolicy.DropOldest));
        }

        Assert.All(receipts, static r => Assert.Equal(0, r.Identity.Sequence));
        await story.DrainAsync();
        int kept = story.Sent.Count - 1;
        Assert.InRange(kept, 8, 9);
        string newest = string.Join(' ', Enumerable.Range(26 - kept, kept).Select(static i => $"t:{i}"));
        Assert.Equal($"(t Full {25 - kept} 1-{25 - kept}) {newest}", story.Told);
        Assert.Equal(Enumerable.Range(1, kept + 1), story.Sent.Select(static s => (int)s.Identity.Sequence));
        Assert.All(receipts.Take(25 - kept), static r => Assert.Equal(PublishOutcome.Dropped, r.Outcome));
        foreach ((PublishReceipt receipt, int i) in receipts.Skip(25 - kept).Select(static (r, i) => (r, i)))
        {
            StoredEvent stored = await receipt.Stored;
            Assert.Equal((PublishOutcome.Stored, i + 2L), (stored.Outcome, stored.Identity.Sequence));
        }

        Assert.Equal((0L, 0L), (story.Outbox.Events, story.Outbox.Gate.Inside));
    }

    [Fact]
    public async Task What_has_a_sequence_may_have_been_sent_and_is_never_dropped()
    {
        await using PolicyStory story = new();
        for (int i = 0; i < 5; i++)
        {
            await story.PublishAsync("t", OutboxPolicy.DropOldest);
        }

        await story.SendAsync();                          // numbered, and perhaps sent: nobody knows
        await story.SendAsync(false);
        List<PublishReceipt> receipts = [];
        for (int i = 0; i < 20; i++)
        {
            receipts.Add(await story.PublishAsync("t", OutboxPolicy.DropOldest));
        }

        await story.RestartAsync(killed: true);
        await story.DrainAsync();
        Assert.StartsWith("t:1 t:2 t:3 t:4 t:5 (t Full ", story.Told, StringComparison.Ordinal);
        Assert.EndsWith(" t:24 t:25", story.Told, StringComparison.Ordinal);
    }

    [Fact]
    public async Task DropOldest_without_anything_left_to_drop_drops_the_new_one_and_does_not_wait()
    {
        await using PolicyStory story = new();
        for (int i = 0; i < 10; i++)
        {
            await story.PublishAsync("alarm", OutboxPolicy.Block);
        }

        PublishReceipt receipt = await story.PublishAsync("alarm", OutboxPolicy.DropOldest);
        Assert.Equal(PublishOutcome.Dropped, receipt.Outcome);
        await story.DrainAsync();
        Assert.EndsWith("alarm:10 (alarm Full 1 11-11)", story.Told, StringComparison.Ordinal);
    }

    [Fact]
    public async Task DropNewest_drops_what_comes_and_keeps_what_is_there()
    {
        await using PolicyStory story = new();
        PublishOutcome[] outcomes = new PublishOutcome[15];
        for (int i = 0; i < 15; i++)
        {
            outcomes[i] = (await story.PublishAsync("t", OutboxPolicy.DropNewest)).Outcome;
        }

        int kept = outcomes.Count(static o => o == PublishOutcome.Waiting);
        await story.RestartAsync(killed: true);
        await story.DrainAsync();
        Assert.InRange(kept, 9, 10);
        Assert.Equal(string.Join(' ', Enumerable.Range(1, kept).Select(static i => $"t:{i}")) + $" (t Full {15 - kept} {kept + 1}-15)",
            story.Told);
    }

    [Fact]
    public async Task Reject_returns_at_once_and_stores_nothing()
    {
        await using PolicyStory story = new();
        int rejected = 0;
        story.Outbox.Rejected = () => rejected++;
        List<PublishReceipt> receipts = [];
        for (int i = 0; i < 15; i++)
        {
            receipts.Add(await story.PublishAsync("t", OutboxPolicy.Reject));
        }

        int kept = receipts.Count(static r => r.Outcome == PublishOutcome.Waiting);
        Assert.All(receipts.Skip(kept), static r => Assert.Equal(PublishOutcome.Rejected, r.Outcome));
        Assert.Equal(15 - kept, rejected);
        await story.DrainAsync();
        Assert.Equal(string.Join(' ', Enumerable.Range(1, kept).Select(static i => $"t:{i}")), story.Told);
    }

    [Fact]
    public async Task Who_waits_for_room_gets_that_of_events_that_may_be_dropped()
    {
        await using PolicyStory story = new();
        for (int i = 0; i < 9; i++)
        {
            await story.PublishAsync("log", OutboxPolicy.DropOldest);
        }

        await story.PublishAsync("alarm", OutboxPolicy.Block, bytes: 3000).AsTask().WaitAsync(Eventually.DefaultLimit);
        await story.PublishAsync("alarm", OutboxPolicy.Block, bytes: 3000).AsTask().WaitAsync(Eventually.DefaultLimit);
        Task<PublishReceipt> waits = story.PublishAsync("alarm", OutboxPolicy.Block, bytes: 9000).AsTask();
        await story.RestAsync();
        Assert.False(waits.IsCompleted);                  // all that may go would not be enough: it stays
        await story.DrainAsync();
        await waits.WaitAsync(Eventually.DefaultLimit);
        await story.DrainAsync();
        Assert.Equal(["alarm:10", "alarm:11", "alarm:12"], story.Told.Split(' ').Where(static t => t.StartsWith("alarm:")));
        Assert.Contains("(log Full 6 1-6) log:7 log:8 log:9", story.Told, StringComparison.Ordinal);
    }

    [Fact]
    public async Task KeepLatestPerKey_keeps_one_of_each_key_full_or_not()
    {
        await using PolicyStory story = new();
        List<PublishReceipt> receipts = [];
        for (int i = 0; i < 40; i++)
        {
            receipts.Add(await story.PublishAsync("door", OutboxPolicy.KeepLatestPerKey, key: $"k{i % 3}").AsTask()
                .WaitAsync(Eventually.DefaultLimit));
        }

        await story.RestartAsync(killed: true);
        await story.DrainAsync();
        Assert.Equal([38, 39, 40], story.Sent.Where(static s => s.Gap is null).Select(static s => s.Number).Order());
        Assert.Equal(37, story.Sent.Sum(static s => s.Gap?.Events ?? 0));
        Assert.All(story.Sent.Where(static s => s.Gap is not null), static s => Assert.Equal(GapReason.Superseded, s.Gap!.Reason));
        Assert.All(receipts.Take(37), static r => Assert.Equal(PublishOutcome.Superseded, r.Outcome));
    }

    [Fact]
    public async Task KeepLatestPerKey_replaces_in_a_full_outbox_and_waits_with_what_replaces_nothing()
    {
        await using PolicyStory story = new();
        for (int i = 0; i < 9; i++)
        {
            await story.PublishAsync("door", OutboxPolicy.KeepLatestPerKey, key: $"k{i}");
        }

        Task<PublishReceipt> waits = story.PublishAsync("door", OutboxPolicy.KeepLatestPerKey, key: "other", bytes: 2000).AsTask();
        for (int i = 0; i < 30; i++)
        {
            await story.PublishAsync("door", OutboxPolicy.KeepLatestPerKey, key: $"k{i % 9}").AsTask().WaitAsync(Eventually.DefaultLimit);
        }

        Assert.False(waits.IsCompleted);
        Assert.InRange(story.Outbox.Gate.Inside, 9000, 10_000);
        await story.DrainAsync();
        await waits.WaitAsync(Eventually.DefaultLimit);
        await story.DrainAsync();
        Assert.Equal(Enumerable.Range(32, 9).Append(10), story.Sent.Where(static s => s.Gap is null).Select(static s => s.Number)
            .OrderBy(static n => n == 10 ? 100 : n));
    }

    [Fact]
    public async Task An_event_expires_unsent_and_frees_its_room()
    {
        await using PolicyStory story = new();
        PublishReceipt old = await story.PublishAsync("t", OutboxPolicy.Block, timeToLive: Hour);
        PublishReceipt forEver = await story.PublishAsync("t", OutboxPolicy.Block);
        PublishReceipt young = await story.PublishAsync("t", OutboxPolicy.Block, timeToLive: 3 * Hour);
        await Advance(story, 2 * Hour);
        Assert.Equal(PublishOutcome.Expired, old.Outcome);
        Assert.Equal((PublishOutcome.Waiting, PublishOutcome.Waiting), (forEver.Outcome, young.Outcome));
        await story.DrainAsync();
        Assert.Equal("(t Expired 1 1-1) t:2 t:3", story.Told);
        await Advance(story, 2 * Hour);
        Assert.Equal(PublishOutcome.Stored, young.Outcome);
    }

    [Fact]
    public async Task Ages_survive_reboots_and_no_set_wall_clock_drops_anything()
    {
        await using PolicyStory story = new();
        await story.PublishAsync("t", OutboxPolicy.Block, timeToLive: 3 * Hour);
        await Advance(story, Hour);
        story.Time.StepWallClock(TimeSpan.FromDays(20));
        await Advance(story, TimeSpan.FromMinutes(5));
        await story.RestartAsync(killed: true, dark: TimeSpan.FromMinutes(10), skew: -TimeSpan.FromDays(20));
        await Advance(story, Hour);
        await story.RestartAsync(killed: false, dark: TimeSpan.FromDays(3000));     // no calendar is believed so far
        await Advance(story, TimeSpan.FromMinutes(50));
        Assert.Equal(1, story.Outbox.Events);
        await Advance(story, TimeSpan.FromMinutes(5));                               // three hours of running are over now
        await story.DrainAsync();
        Assert.Equal("(t Expired 1 1-1)", story.Told);
    }

    [Fact]
    public async Task A_day_without_power_makes_events_old_a_minute_after_the_start()
    {
        await using PolicyStory story = new();
        await story.PublishAsync("t", OutboxPolicy.Block, timeToLive: 3 * Hour);
        await Advance(story, TimeSpan.FromMinutes(2));
        await story.RestartAsync(killed: true, dark: TimeSpan.FromDays(1));
        PublishReceipt young = await story.PublishAsync("t", OutboxPolicy.Block, timeToLive: 3 * Hour);
        await Advance(story, TimeSpan.FromSeconds(59));
        Assert.Equal(2, await story.Outbox.RunAsync(static t => t.Database.Scalar("SELECT count(*) FROM staged")));
        await Advance(story, TimeSpan.FromSeconds(2));
        Assert.Equal(1, await story.Outbox.RunAsync(static t => t.Database.Scalar("SELECT count(*) FROM staged")));
        Assert.Equal(PublishOutcome.Waiting, young.Outcome);
        await story.DrainAsync();
        Assert.Equal("(t Expired 1 1-1) t:2", story.Told);
    }

    [Fact]
    public async Task Gaps_of_very_many_topics_are_kept_for_their_partition()
    {
        await using PolicyStory story = new(maxBytes: 300_000);
        for (int i = 0; i < 30; i++)
        {
            await Task.WhenAll(Enumerable.Range(0, 100).Select(n =>
                story.PublishAsync($"topic-{(i * 100) + n}", OutboxPolicy.DropOldest, bytes: 900).AsTask()));
        }

        long gapBytes = await story.Outbox.RunAsync(static t => t.Database.Scalar("SELECT sum(length(topic) + 224) FROM gaps"));
        Assert.InRange(gapBytes, 60_000, (1 << 16) + (4 * 300));
        await story.DrainAsync();
        Assert.Equal(3000, story.Sent.Sum(static s => s.Gap?.Events ?? 1));
        Assert.Equal(4, story.Sent.Count(static s => s.Topic == EventGap.ManyTopics));
        Assert.Equal(0, story.Outbox.Gate.Inside);
    }

    [Fact]
    public async Task Events_stand_in_the_order_of_their_publishing_behind_what_is_staged()
    {
        await using PolicyStory story = new();
        await story.PublishAsync("t", OutboxPolicy.Block);
        await story.PublishAsync("t", OutboxPolicy.DropOldest);
        await story.PublishAsync("t", OutboxPolicy.Block);
        await story.RestartAsync(killed: false);
        await story.PublishAsync("t", OutboxPolicy.Reject);
        await story.SendAsync();
        await story.PublishAsync("t", OutboxPolicy.DropOldest);
        await story.DrainAsync();
        Assert.Equal("t:1 t:2 t:3 t:4 t:5", story.Told);
        Assert.Equal(2, story.Sent.Select(static s => s.Identity.Epoch).Distinct().Count());    // R7: that of the opening which numbers
    }

    [Fact]
    public async Task Only_as_much_gets_sequences_as_may_soon_be_sent()
    {
        await using PolicyStory story = new(maxBytes: 600_000);
        for (int i = 0; i < 200; i++)
        {
            await story.PublishAsync("t", OutboxPolicy.DropOldest, bytes: 2000);
        }

        await story.SendAsync();
        long numbered = await story.Outbox.RunAsync(static t => t.Database.Scalar("SELECT sum(bytes) FROM events"));
        Assert.InRange(numbered, 100_000, 131_072);
        await story.SendAsync(false);
        await story.RestartAsync(killed: true);
        Assert.Equal(numbered, await story.Outbox.RunAsync(static t => t.Database.Scalar("SELECT sum(bytes) FROM events")));
        await story.DrainAsync();
        Assert.Equal(Enumerable.Range(1, 200), story.Sent.Select(static s => s.Number));
    }

    [Theory]
    [InlineData("a/#/b", OutboxPolicy.Block, 1, "OutboxRules[0]: filter 'a/#/b'")]
    [InlineData("#", (OutboxPolicy)77, 1, "OutboxRules[0]: policy 77 is none")]
    [InlineData("#", OutboxPolicy.Block, 0, "OutboxRules[0]: TimeToLive 00:00:00: 1 ms to 10 years, or null")]
    public void Faulty_rules_are_told(string filter, OutboxPolicy policy, int milliseconds, string fault)
    {
        StreamsClientOptions options = new ClientStory("a").Options with
        {
            OutboxRules = [new OutboxRule(filter, policy) { TimeToLive = TimeSpan.FromMilliseconds(milliseconds) }],
        };
        Assert.Contains(fault, Assert.Throws<ConfigurationException>(() => OptionsCheck.Check(options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_first_rule_that_matches_counts_and_a_publish_may_say_how_long_it_lives()
    {
        OutboxRules rules = new(
        [
            new OutboxRule("alarm/#", OutboxPolicy.Block),
            new OutboxRule("+/speed", OutboxPolicy.KeepLatestPerKey) { TimeToLive = Hour },
            new OutboxRule("#", OutboxPolicy.DropOldest),
        ]);
        Assert.Equal(new PublishTerms(OutboxPolicy.Block, 0), rules.For("alarm/speed", null));
        Assert.Equal(new PublishTerms(OutboxPolicy.KeepLatestPerKey, 3_600_000), rules.For("car/speed", null));
        Assert.Equal(new PublishTerms(OutboxPolicy.KeepLatestPerKey, 60_000), rules.For("car/speed", TimeSpan.FromMinutes(1)));
        Assert.Equal(new PublishTerms(OutboxPolicy.DropOldest, 0), rules.For("else", null));
        Assert.Equal(default, new OutboxRules([]).For("else", null));
    }

    private static async Task Advance(PolicyStory story, TimeSpan by)
    {
        await story.RestAsync();
        story.Time.Advance(by);
        await story.RestAsync();
    }
}
