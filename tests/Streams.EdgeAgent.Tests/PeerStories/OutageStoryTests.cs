using System.Text;
using Streams.Client;
using Streams.Core;
using Streams.Testing;

namespace Streams.EdgeAgent.Tests;

/// <summary>What becomes of the line of others, told of this agent's line to a real cluster (docs/demands.md).</summary>
public sealed class OutageStoryTests(SharedCluster shared) : IClassFixture<SharedCluster>
{
    [Fact]
    public async Task Hundreds_of_duplicates_after_an_outage_answers_that_were_lost_and_restarts_repeat_nothing()
    {
        await using AgentStory story = AgentStory.At(shared.Server);
        CuttingProxy line = story.ThroughLine();
        story.OpenStore();
        StreamSettings settings = await story.Store.EnsureStreamAsync(story.Fleet, default);
        for (int round = 0; round < 5; round++)
        {
            story.Connect();
            await Task.WhenAll(Enumerable.Range(round * 80, 80).Select(i => PublishAsync(i)));
            await line.CutAsync();                     // in the midst of it: batches are there, their answers are not
            await story.StopAsync();
            line.Restore();
            story.OpenStore();
        }

        story.Connect();
        await Eventually.EqualAsync(0L, () => story.Side.Waiting, "all has gone up");
        StreamsClient client = await story.BackEndAsync(name: "reader");
        await using StreamsConsumer consumer = await client.ConsumeAsync(new ConsumerOptions
        {
            Name = ConsumerName.Parse("outage"), Stream = story.Fleet,
        });
        List<string> given = [];
        using CancellationTokenSource enough = new(TimeSpan.FromSeconds(30));
        try
        {
            await foreach (ReceivedEvent received in consumer.ReadAllAsync(enough.Token))
            {
                given.Add(Encoding.UTF8.GetString(received.Payload.Span));
                received.Acknowledge();
                if (given.Count == 400)
                {
                    enough.CancelAfter(TimeSpan.FromMilliseconds(200));      // one too many would come now
                }
            }
        }
        catch (OperationCanceledException) when (given.Count >= 400)
        {
        }

        Assert.Equal(Enumerable.Range(0, 400).Select(i => $"{i:d4}"), given.Order());

        async Task PublishAsync(int number)
        {
            byte[] topic = Encoding.UTF8.GetBytes($"d{number % 5}");
            await story.Store.AppendPlainAsync(
                new StreamPartition(story.Fleet, Partitioner.For(default, topic, settings.Partitions)),
                new PlainEvent(topic, default, default, Encoding.UTF8.GetBytes($"{number:d4}"), 1, Client: $"d{number % 5}"), default);
        }
    }
}
