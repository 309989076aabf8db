using System.Diagnostics;
using System.Globalization;
using Streams.Core;
using Streams.Testing;

namespace Streams.Client.Tests;

/// <summary>Random worlds against a simple model: whatever is published, killed, taken, confirmed or aged, every event that was stored is
/// sent once, or covered by exactly one gap, and the order stays.</summary>
public sealed class OutboxPolicyWorldTests
{
    private static readonly (string Topic, OutboxPolicy Policy)[] Topics =
    [
        ("alarm", OutboxPolicy.Block), ("report", OutboxPolicy.Reject), ("speed", OutboxPolicy.DropOldest),
        ("log", OutboxPolicy.DropOldest), ("trace", OutboxPolicy.DropNewest),
        ("door", OutboxPolicy.KeepLatestPerKey), ("tank", OutboxPolicy.KeepLatestPerKey),
    ];

    // Called and Done count calls and answers together: of two whose times overlap either may stand first.
    private sealed record Told(int Number, string Topic, OutboxPolicy Policy, string Key, bool Ages, PublishReceipt Receipt, int Called,
        int Done)
    {
        public bool IsBefore(Told other) => Done < other.Called;

        public PublishOutcome? Outcome => Receipt.Stored.IsCompletedSuccessfully ? Receipt.Outcome : null;
    }

    public static TheoryData<int> Rounds => [.. Enumerable.Range(1, Seeds.Rounds(12))];

    [Theory]
    [MemberData(nameof(Rounds))]
    public async Task Every_event_is_sent_once_or_covered_by_exactly_one_gap_and_the_order_stays(int seed)
    {
        Random random = new(seed);
        await using PolicyStory story = new(maxBytes: random.Next(4) == 0 ? 300_000 : random.Next(5_000, 40_000));
        List<Told> told = [];
        (int Number, string Topic, OutboxPolicy Policy, string Key, bool Ages, Task<PublishReceipt> Task, int Called)? waiting = null;
        bool sends = false;
        int moment = 0;
        for (int step = 0; step < 400; step++)
        {
            // Who was let in is written before the next is published: else their order would be a matter of luck.
            await Eventually.TrueAsync(() => waiting is null || waiting.Value.Task.IsCompleted || story.Outbox.Gate.Waiting > 0,
                "who waits is let in or waits at the gate");
            Settle();
            switch (random.Next(100))
            {
                case < 70:
                    (string topic, OutboxPolicy policy) = Topics[random.Next(Topics.Length)];
                    string key = random.Next(3) == 0 ? string.Empty : $"k{random.Next(6)}";
                    TimeSpan? life = random.Next(4) == 0 ? TimeSpan.FromMinutes(random.Next(1, 200)) : null;
                    if (waiting is not null && policy is OutboxPolicy.Block or OutboxPolicy.KeepLatestPerKey)
                    {
                        continue;
                    }

                    int bytes = random.Next(12) == 0 ? random.Next(3000) : random.Next(100, 400);
                    Task<PublishReceipt> publish = story.PublishAsync(topic, policy, bytes, key, life).AsTask();
                    int called = moment++;
                    if (policy is OutboxPolicy.Block or OutboxPolicy.KeepLatestPerKey)
                    {
                        waiting = (story.Published, topic, policy, key, life is not null, publish, called);
                    }
                    else
                    {
                        await publish.WaitAsync(Eventually.DefaultLimit);
                        told.Add(new Told(story.Published, topic, policy, key, life is not null, await publish, called, moment++));
                    }

                    break;
                case < 76:
                    sends = !sends;
                    await story.SendAsync(sends);
                    break;
                case < 86:
                    await story.TakeAsync(random.Next(1, 40), confirms: random.Next(5) > 0);
                    break;
                case < 95:
                    await story.RestAsync();
                    story.Time.StepWallClock(random.Next(3) == 0 ? TimeSpan.FromHours(random.Next(-5000, 5000)) : TimeSpan.Zero);
                    story.Time.Advance(TimeSpan.FromMinutes(random.Next(30)));
                    await story.RestAsync();
                    break;
                default:
                    if (waiting is { Task.IsCompleted: false })
                    {
                        continue;                         // whether it is stored would be a matter of luck
                    }

                    Settle();
                    await story.CheckAsync();
                    await story.RestartAsync(random.Next(3) > 0, TimeSpan.FromMinutes(random.Next(500)),
                        random.Next(3) == 0 ? TimeSpan.FromDays(random.Next(-900, 900)) : TimeSpan.Zero);
                    await story.CheckAsync();
                    sends = false;
                    break;
            }

            Settle();
        }

        await story.SendAsync();
        while (story.Outbox.Events > 0 || waiting is not null)
        {
            await story.TakeAsync();
            Settle();
        }

        Check(story, told);

        void Settle()
        {
            if (waiting is { Task.IsCompleted: true } done)
            {
                told.Add(new Told(done.Number, done.Topic, done.Policy, done.Key, done.Ages, done.Task.Result, done.Called, moment++));
                waiting = null;
            }
        }
    }

    private static void Check(PolicyStory story, List<Told> told)
    {
        Assert.Equal((0L, 0L), (story.Outbox.Events, story.Outbox.Gate.Inside));
        Dictionary<int, Told> calls = told.ToDictionary(static t => t.Number);
        Dictionary<int, SentEvent> sent = story.Sent.Where(static s => s.Gap is null).ToDictionary(static s => s.Number);   // once
        foreach (IGrouping<StreamPartition, SentEvent> partition in story.Sent.GroupBy(static s => s.Partition))
        {
            // The cluster's view: sequences without holes (R2), whatever the epochs.
            Assert.Equal(Enumerable.Range(1, partition.Count()).Select(static i => (long)i),
                partition.Select(static s => s.Identity.Sequence));
            int latest = -1;
            foreach (SentEvent one in partition.Where(static s => s.Gap is null))
            {
                Assert.True(calls[one.Number].Done > latest, $"event {one.Number} stands behind one that was published later");
                latest = Math.Max(latest, calls[one.Number].Called);
            }
        }

        foreach (IGrouping<(StreamPartition Partition, string Topic), Told> topic in told.GroupBy(static t =>
            (t.Receipt.Partition, t.Topic)))
        {
            List<Told> missing = [.. topic.Where(t => t.Outcome != PublishOutcome.Rejected && !sent.ContainsKey(t.Number))];
            List<SentEvent> gaps = [.. story.Sent.Where(s => s.Gap is not null && s.Partition == topic.Key.Partition
                && s.Topic == topic.Key.Topic)];
            Assert.Equal(missing.Count, gaps.Sum(static g => g.Gap!.Events));
            foreach (SentEvent gap in gaps)
            {
                CheckPlace(story, calls, missing, gap);
            }

            foreach (Told one in topic)
            {
                CheckOne(one, sent);
            }

            Assert.DoesNotContain(gaps, static g => g.Gap!.Reason == GapReason.Damaged);     // a kill damages nothing
            foreach (GapReason reason in new[] { GapReason.Full, GapReason.Expired, GapReason.Superseded })
            {
                long known = missing.Count(m => m.Outcome == OutcomeOf(reason));
                long unknown = missing.Count(static m => m.Outcome is null);
                Assert.InRange(gaps.Where(g => g.Gap!.Reason == reason).Sum(static g => g.Gap!.Events), known, known + unknown);
            }
        }
    }

    // A gap stands where its first event stood, and its ends are of events that are missing.
    private static void CheckPlace(PolicyStory story, Dictionary<int, Told> calls, List<Told> missing, SentEvent gap)
    {
        int first = (int)PolicyStory.Micro(gap.Gap!.First);
        int last = (int)PolicyStory.Micro(gap.Gap.Last);
        Assert.Contains(missing, m => m.Number == first);
        Assert.Contains(missing, m => m.Number == last);
        Assert.True(missing.Count(m => m.Number >= first && m.Number <= last) >= gap.Gap.Events);
        foreach (SentEvent other in story.Sent.Where(s => s.Gap is null && s.Partition == gap.Partition))
        {
            bool before = other.Identity.Sequence < gap.Identity.Sequence;
            bool isWrong = before ? calls[first].IsBefore(calls[other.Number]) : calls[other.Number].IsBefore(calls[first]);
            Assert.False(isWrong, string.Create(CultureInfo.InvariantCulture,
                $"{gap} stands at {gap.Identity.Sequence}, event {other.Number} at {other.Identity.Sequence}"));
        }
    }

    private static void CheckOne(Told one, Dictionary<int, SentEvent> sent)
    {
        bool isSent = sent.TryGetValue(one.Number, out SentEvent? found);
        switch (one.Outcome)
        {
            case PublishOutcome.Stored:
                Assert.True(isSent);
                StoredEvent stored = one.Receipt.Stored.Result;
                Assert.Equal(found!.Identity, stored.Identity);
                break;
            case null:                                   // of a former life: what may be dropped may have been
                Assert.True(isSent || one.Ages || one.Policy is OutboxPolicy.DropOldest or OutboxPolicy.KeepLatestPerKey);
                break;
            default:
                Assert.False(isSent);
                break;
        }
    }

    private static PublishOutcome OutcomeOf(GapReason reason) => reason switch
    {
        GapReason.Full => PublishOutcome.Dropped,
        GapReason.Expired => PublishOutcome.Expired,
        GapReason.Superseded => PublishOutcome.Superseded,
        _ => throw new UnreachableException(),
    };
}
