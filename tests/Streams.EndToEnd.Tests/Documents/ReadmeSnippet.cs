using Streams.Client;
using Streams.Core;

namespace Streams.EndToEnd.Tests;

/// <summary>The C# of README.md, compiled: <see cref="FirstFiveMinutesTests"/> compares the two texts line by line.</summary>
internal static class ReadmeSnippet
{
    public const string Begin = "// README begins";
    public const string End = "// README ends";

    public static async Task RunAsync(byte[] payload, Action<ReceivedEvent> Handle, CancellationToken cancellationToken)
    {
#pragma warning disable CA2016 // Readers of a first example are spared the token at every call.

        // README begins
        await using StreamsClient car = await StreamsClient.OpenAsync(new StreamsClientOptions
        {
            Name = "car-17",
            Clusters = [ClusterEndpoint.Parse("sj=127.0.0.1:1883"), ClusterEndpoint.Parse("ny=127.0.0.1:1884")],
            OutboxPath = "car-17.outbox",
        });

        PublishReceipt receipt = await car.PublishAsync(StreamPath.Parse("/fleet"), TopicName.Parse("car-17/telemetry"), payload);
        StoredEvent stored = await receipt.Stored;            // origin, partition and offset, the same in every cluster

        await using StreamsConsumer consumer = await car.ConsumeAsync(new ConsumerOptions
        {
            Name = ConsumerName.Parse("car-17"),
            Stream = StreamPath.Parse("/commands"),
            Filters = ["car-17"],
        });
        await foreach (ReceivedEvent command in consumer.ReadAllAsync(cancellationToken))
        {
            Handle(command);
            command.Acknowledge();
        }
        // README ends
#pragma warning restore CA2016
    }
}
