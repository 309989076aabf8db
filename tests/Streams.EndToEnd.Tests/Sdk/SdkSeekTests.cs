using System.Text;
using Streams.Client;
using Streams.Core;
using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>A back end goes back while it reads, and then loses its cluster.</summary>
public sealed class SdkSeekTests
{
    private const string Stream = "/fleet";

    [Fact]
    public async Task A_rewind_replicates_and_the_consumer_goes_on_from_there_at_the_other_cluster()
    {
        using var directory = new TemporaryDirectory();
        await using var ring = await Ring.StartAsync(directory);
        await using var car = await Device.OpenAsync(Device.Options("car-1", directory.Combine("car.outbox"), ring.Sj.Endpoint), Stream);
        await car.PublishAsync(200);
        await car.ConfirmedAsync(200);

        // A small window, so that the cluster has no credit left when it is told to go back.
        var options = Device.Options("back-end", directory.Combine("back-end.outbox"), ring.Doors) with { ReceiveBytes = 64 << 10 };
        await using var client = await StreamsClient.OpenAsync(options);
        await using var consumer = await client.ConsumeAsync(new ConsumerOptions
        {
            Name = ConsumerName.Parse("back-end"),
            Stream = StreamPath.Parse(Stream),
        });
        var first = await ReadAsync(consumer, 150);
        Assert.Equal(car.Everything().Take(150), Texts(first));
        first[149].AcknowledgeUpTo();
        await Eventually.TrueAsync(() => consumer.Cursor(first[0].Partition)[first[0].Place.Origin] == first[149].Place.Offset + 1,
            "what was acknowledged is kept");
        var lag = await consumer.GetLagAsync().WaitAsync(Eventually.DefaultLimit);
        Assert.Equal(50, lag.Events);
        Assert.InRange(lag.Behind, TimeSpan.FromTicks(1), TimeSpan.FromMinutes(5));

        await consumer.SeekAsync(SeekPosition.At(first[99].Partition, first[99].Place)).WaitAsync(Eventually.DefaultLimit);
        await ring.LevelAsync(Stream);
        await ring.SjDoor.CutAsync();
        await Eventually.TrueAsync(() => client.ConnectedTo?.Value == "ny", "the back end is at New York", TimeSpan.FromSeconds(30));
        var again = await ReadAsync(consumer, 101);
        Assert.Equal(car.Everything().Skip(99), Texts(again));
        again[^1].AcknowledgeUpTo();
        await Eventually.TrueAsync(async () => (await ring.Ny.Api.CursorsAsync("back-end", Stream))!
            .Any(c => c.Generation == 1 && c.Positions.Any(p => p.Offset == 200)), "New York has the new generation of the cursor");
        await ring.LevelAsync(Stream);
        await Eventually.TrueAsync(async () => (await ring.Sj.Api.CursorsAsync("back-end", Stream))!
            .Any(c => c.Generation == 1 && c.Positions.Any(p => p.Offset == 200)), "and so has San Jose");
    }

    [Fact]
    public async Task A_host_without_memory_that_takes_the_name_over_elsewhere_begins_where_it_was_rewound_to()
    {
        using var directory = new TemporaryDirectory();
        await using var ring = await Ring.StartAsync(directory);
        await using var car = await Device.OpenAsync(Device.Options("car-1", directory.Combine("car.outbox"), ring.Sj.Endpoint), Stream);
        await car.PublishAsync(50);
        await car.ConfirmedAsync(50);
        var time = TimeProvider.System.GetUtcNow();
        await using (var client = await StreamsClient.OpenAsync(
            Device.Options("old", directory.Combine("old.outbox"), ring.Sj.Endpoint)))
        {
            await using var consumer = await client.ConsumeAsync(Consumer());
            (await ReadAsync(consumer, 50))[^1].AcknowledgeUpTo();
            await Eventually.TrueAsync(() => TimeProvider.System.GetUtcNow() > time.AddMilliseconds(5), "time has passed");
            await car.PublishAsync(10);
            await consumer.SeekAsync(SeekPosition.At(time.AddMilliseconds(2))).WaitAsync(Eventually.DefaultLimit);
            await ring.LevelAsync(Stream);
            Assert.Equal(car.Everything().Skip(50), Texts(await ReadAsync(consumer, 10)));
            await consumer.SeekAsync(SeekPosition.Earliest).WaitAsync(Eventually.DefaultLimit);
        }

        await ring.LevelAsync(Stream);
        await using var other = await StreamsClient.OpenAsync(Device.Options("new", directory.Combine("new.outbox"), ring.Ny.Endpoint));
        await using var taken = await other.ConsumeAsync(Consumer());
        Assert.Equal(car.Everything(), Texts(await ReadAsync(taken, 60)));

        static ConsumerOptions Consumer() => new() { Name = ConsumerName.Parse("shared"), Stream = StreamPath.Parse(Stream) };
    }

    private static async Task<List<ReceivedEvent>> ReadAsync(StreamsConsumer consumer, int count)
    {
        List<ReceivedEvent> read = [];
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(60));
        await foreach (var received in consumer.ReadAllAsync(limit.Token))
        {
            read.Add(received);
            if (read.Count == count)
            {
                return read;
            }
        }

        throw new NotReachedException($"waited in vain for {count} events, {read.Count} came");
    }

    private static IEnumerable<string> Texts(IEnumerable<ReceivedEvent> events) =>
        events.Select(received => Encoding.UTF8.GetString(received.Payload.Span));
}
