using System.Text;
using Streams.Core;
using Streams.Testing;

namespace Streams.Client.Tests;

public sealed class RefusedEventsTests
{
    [Fact]
    public async Task Refused_events_are_listed_and_retried_as_new_events_behind_the_others()
    {
        await using ClientStory story = new("a");
        bool refuses = true;
        await RefusedAsync(story, () => refuses);
        RefusedEvent[] refused = await ListAsync(story.Client.Refused);

        Assert.Equal(["2", "4"], refused.Select(static r => Encoding.UTF8.GetString(r.Payload.Span)));
        Assert.All(refused, static r => Assert.Contains("bad topic", r.Reason, StringComparison.Ordinal));
        Assert.Equal([2L, 4L], refused.Select(static r => r.Identity.Sequence));
        Assert.All(refused, static r => Assert.Equal((ClientStory.Fleet, "bad", "k"), (r.Partition.Stream, r.Topic.Value,
            Encoding.UTF8.GetString(r.Key.Span))));

        refuses = false;
        PublishReceipt? again = await story.Client.Refused.RetryAsync(refused[0].Id);

        Assert.Equal(6, again!.Value.Identity.Sequence);
        await again.Value.Stored.WaitAsync(Eventually.DefaultLimit);
        Assert.Equal(refused[1].Id, Assert.Single(await ListAsync(story.Client.Refused)).Id);
        Assert.Equal(4, story.World["a"].Events);
    }

    [Fact]
    public async Task Of_many_retries_of_one_event_at_once_one_publishes_it()
    {
        await using ClientStory story = new("a");
        bool refuses = true;
        await RefusedAsync(story, () => refuses);
        long id = (await ListAsync(story.Client.Refused))[0].Id;
        refuses = false;

        PublishReceipt?[] receipts = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ =>
            Task.Run(() => story.Client.Refused.RetryAsync(id))));

        Assert.Single(receipts, static r => r is not null);
        Assert.Null(await story.Client.Refused.RetryAsync(id));
        await story.Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
        Assert.Equal(4, story.World["a"].Events);
    }

    [Fact]
    public async Task What_is_discarded_is_gone_for_good()
    {
        await using ClientStory story = new("a");
        await RefusedAsync(story, static () => true);
        RefusedEvent[] refused = await ListAsync(story.Client.Refused);

        Assert.True(await story.Client.Refused.DiscardAsync(refused[1].Id));
        Assert.False(await story.Client.Refused.DiscardAsync(refused[1].Id));

        Assert.Equal(refused[0].Id, Assert.Single(await ListAsync(story.Client.Refused)).Id);
        Assert.Equal(3, story.World["a"].Events);
    }

    [Fact]
    public async Task Many_are_listed_in_parts_without_one_left_out()
    {
        const int Many = 150;                                   // more than two parts of the listing
        await using ClientStory story = new("a");
        story.World["a"].BeforeTaking = static (_, _) => new ClusterAnswer(ClusterAnswer.PayloadInvalid, "no", []);
        await story.OpenAsync();
        await story.PublishAsync(Many);
        await story.Client.FlushAsync().WaitAsync(TimeSpan.FromSeconds(60));

        RefusedEvent[] refused = await ListAsync(story.Client.Refused);

        Assert.Equal(ClientStory.Numbers(1, Many), refused.Select(static r => Encoding.UTF8.GetString(r.Payload.Span)));
    }

    // Events 1 to 5 of one partition, of which 2 and 4 are refused.
    private static async Task RefusedAsync(ClientStory story, Func<bool> refuses)
    {
        story.World["a"].BeforeTaking = (_, batch) =>
        {
            foreach (EventView view in batch.Events)
            {
                if (refuses() && view.Topic.Span.SequenceEqual("bad"u8))
                {
                    return new ClusterAnswer(ClusterAnswer.PayloadInvalid, "bad topic", []);
                }
            }

            return null;
        };
        await story.OpenAsync();
        for (int i = 1; i <= 5; i++)
        {
            await story.Client.PublishAsync(ClientStory.Fleet, TopicName.Parse(i % 2 == 0 ? "bad" : "good"), Encoding.UTF8.GetBytes($"{i}"),
                "k"u8.ToArray());
        }

        await story.Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
    }

    private static async Task<RefusedEvent[]> ListAsync(RefusedEvents refused)
    {
        List<RefusedEvent> list = [];
        await foreach (RefusedEvent e in refused.ListAsync())
        {
            list.Add(e);
        }

        return [.. list];
    }
}
