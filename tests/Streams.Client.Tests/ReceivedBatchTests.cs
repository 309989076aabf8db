using System.Text;
using Streams.Core;
using Streams.Testing;

namespace Streams.Client.Tests;

/// <summary>Events taken in batches: the same ones, in the same order, acknowledged together or in part.</summary>
public class ReceivedBatchTests
{
    [Fact]
    public async Task Batches_give_every_event_once_and_in_order_and_move_the_cursor_when_acknowledged()
    {
        await using ClientStory story = new("a");
        await story.OpenAsync();
        await story.PublishAsync(2000);
        StreamsConsumer consumer = await story.ConsumeAsync();
        List<string> read = await ReadAsync(consumer, 2000, static batch => batch.Acknowledge());
        Assert.Equal(ClientStory.Numbers(1, 2000), read);
        PartitionId partition = (await story.PublishAsync(1))[0].Partition.Partition;
        await Eventually.EqualAsync(2000, () => consumer.Cursor(partition)[story.World["a"].Origin].Value, "the cursor is behind them");
    }

    [Fact]
    public async Task What_of_a_batch_is_not_acknowledged_comes_again_after_a_restart()
    {
        await using ClientStory story = new("a");
        await story.OpenAsync();
        await story.PublishAsync(100);
        await story.Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
        StreamsConsumer consumer = await story.ConsumeAsync();
        int taken = 0;
        List<string> first = await ReadAsync(consumer, 100, batch =>
        {
            int all = Math.Min(batch.Count, Math.Max(0, 30 - taken));
            batch.Acknowledge(all);
            batch.Acknowledge(all);
            taken += batch.Count;
        });
        Assert.Equal(ClientStory.Numbers(1, 100), first);
        await story.Client.DisposeAsync();

        await story.OpenAsync(seed: 2);
        consumer = await story.ConsumeAsync();
        Assert.Equal(ClientStory.Numbers(31, 100), await ReadAsync(consumer, 70, static batch => batch.Acknowledge()));
    }

    [Fact]
    public async Task Events_and_batches_may_be_taken_in_turns()
    {
        await using ClientStory story = new("a");
        await story.OpenAsync();
        await story.PublishAsync(50);
        StreamsConsumer consumer = await story.ConsumeAsync();
        List<string> read = await ClientStory.ReadAsync(consumer, 7);
        read.AddRange(await ReadAsync(consumer, 43, static batch => batch.Acknowledge()));
        Assert.Equal(ClientStory.Numbers(1, 50), read);
    }

    [Fact]
    public async Task More_than_a_batch_has_cannot_be_acknowledged()
    {
        await using ClientStory story = new("a");
        await story.OpenAsync();
        await story.PublishAsync(1);
        StreamsConsumer consumer = await story.ConsumeAsync();
        await ReadAsync(consumer, 1, static batch => Assert.Throws<ArgumentOutOfRangeException>(() => batch.Acknowledge(batch.Count + 1)));
    }

    private static async Task<List<string>> ReadAsync(StreamsConsumer consumer, int count, Action<ReceivedBatch> each)
    {
        List<string> read = [];
        using CancellationTokenSource limit = new(Eventually.DefaultLimit);
        await foreach (ReceivedBatch batch in consumer.ReadBatchesAsync(limit.Token))
        {
            int before = read.Count;
            foreach (EventView view in batch)
            {
                read.Add(Encoding.UTF8.GetString(view.Payload.Span));
            }

            Assert.Equal(batch.Count, read.Count - before);
            each(batch);
            if (read.Count >= count)
            {
                return read;
            }
        }

        throw new NotReachedException($"waited in vain for {count} events, {read.Count} came");
    }
}
