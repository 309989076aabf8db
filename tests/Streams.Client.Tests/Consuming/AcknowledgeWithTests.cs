using Streams.Core;
using Streams.Testing;

namespace Streams.Client.Tests;

public class AcknowledgeWithTests
{
    private const int Asked = 60;
    private static readonly StreamPath Answers = StreamPath.Parse("/answers");

    [Fact]
    public async Task A_kill_at_any_moment_leaves_an_event_answered_once_or_given_again()
    {
        string[] others = ["b", "c", "d", "e", "f"];
        using TemporaryDirectory images = new();
        await using ClientStory story = new(["a", .. others]);
        StreamsClientOptions options = story.Options with { Clusters = [.. story.World.Endpoints.Take(1)] };
        await story.OpenAsync(options);
        await story.PublishAsync(Asked);
        await story.Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
        Array.ForEach(others, to => story.World.Link("a", to));
        story.World["a"].BeforeTaking = static (_, _) => new ClusterAnswer(0xFF, string.Empty, []);      // answers stay in the outbox
        StreamsConsumer consumer = await story.ConsumeAsync();
        using CancellationTokenSource limit = new(Eventually.DefaultLimit);
        int answered = 0;
        await foreach (ReceivedEvent received in consumer.ReadAllAsync(limit.Token))
        {
            Task<PublishReceipt?> answer = consumer.AcknowledgeWithAsync(received, Answers, TopicName.Parse("t"), received.Payload);
            if (answered % 12 == 6)
            {
                Copy(options.OutboxPath, images.Combine($"{others[answered / 12]}.db"));                 // while it is being stored
            }

            Assert.NotNull(await answer);
            if (++answered == Asked)
            {
                break;
            }
        }

        await story.Client.DisposeAsync();
        story.World["a"].GoDown();
        HashSet<int> seen = [];
        for (int i = 0; i < others.Length; i++)
        {
            string image = images.Combine($"{others[i]}.db");
            await story.OpenAsync(options with { Clusters = [story.World.Endpoints[i + 1]], OutboxPath = image }, seed: i + 2);
            await story.Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
            int answers = story.World[others[i]].Events;
            Assert.InRange(answers, (12 * i) + 6, (12 * i) + 7);
            await using StreamsConsumer reader = await story.Client.ConsumeAsync(
                new ConsumerOptions { Name = ConsumerName.Parse("reader"), Stream = Answers });
            List<string> done = await ClientStory.ReadAsync(reader, answers);
            await using StreamsConsumer again = await story.ConsumeAsync();
            List<string> rest = await ClientStory.ReadAsync(again, Asked - answers);
            Assert.Equal(ClientStory.Numbers(1, Asked), done.Concat(rest));
            seen.Add(answers - (12 * i));
            await story.Client.DisposeAsync();
        }

        Assert.NotEmpty(seen);
    }

    [Fact]
    public async Task An_event_that_is_acknowledged_or_of_before_a_rewind_is_not_answered_again()
    {
        await using ClientStory story = new("a");
        await story.OpenAsync();
        StreamsConsumer consumer = await story.ConsumeAsync();
        await story.PublishAsync(3);
        List<ReceivedEvent> given = [];
        await ClientStory.ReadAsync(consumer, 3, acknowledge: false, given.Add);
        given[0].Acknowledge();
        Assert.Null(await AnswerAsync(given[0]));
        PublishReceipt?[] twice = await Task.WhenAll(AnswerAsync(given[1]), AnswerAsync(given[1]));
        Assert.Single(twice, static r => r is not null);
        await Assert.ThrowsAsync<InvalidRequestException>(() => consumer.AcknowledgeWithAsync(given[2], Answers, default, default));
        await consumer.SeekAsync(SeekPosition.Earliest).WaitAsync(Eventually.DefaultLimit);
        Assert.Null(await AnswerAsync(given[2]));
        await ClientStory.ReadAsync(consumer, 3, acknowledge: false, given.Add);
        Assert.NotNull(await AnswerAsync(given[5]));
        await story.Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
        Assert.Equal(3 + 2, story.World["a"].Events);
        Assert.Equal(1, consumer.Cursor(given[0].Partition).Generation.Number);

        Task<PublishReceipt?> AnswerAsync(ReceivedEvent received) =>
            consumer.AcknowledgeWithAsync(received, Answers, TopicName.Parse("t"), received.Payload).WaitAsync(Eventually.DefaultLimit);
    }

    // What a kill leaves: the journal only grows as long as it is small, and what is half written at its end does not count.
    private static void Copy(string from, string to)
    {
        foreach (string suffix in new[] { "", "-wal" })
        {
            using FileStream source = new(from + suffix, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using FileStream target = File.Create(to + suffix);
            source.CopyTo(target);
        }
    }
}
