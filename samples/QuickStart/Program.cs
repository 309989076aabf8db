// Publishes ten events, consumes them, and acknowledges each. Start a server first: see README.md.
using System.Text;
using Streams.Client;
using Streams.Core;

const int Events = 10;
ClusterEndpoint[] clusters = args.Length > 0 ? [.. args.Select(ClusterEndpoint.Parse)] : [ClusterEndpoint.Parse("local=127.0.0.1:1883")];
StreamPath stream = StreamPath.Parse("/quick-start");
TopicName topic = TopicName.Parse("kitchen/temperature");

await using StreamsClient client = await StreamsClient.OpenAsync(new StreamsClientOptions
{
    Name = "quick-start",
    Clusters = clusters,
    OutboxPath = Path.Combine(Path.GetTempPath(), "streams-quick-start.db"),
});

for (int i = 1; i <= Events; i++)
{
    // Once this returns the event is safe in the outbox on this machine: no network is needed for it.
    PublishReceipt receipt = await client.PublishAsync(stream, topic, Encoding.UTF8.GetBytes($"{{\"celsius\":{20 + i}}}"));
    Console.WriteLine($"published {receipt.Identity.Sequence}");
}

await client.FlushAsync();                                       // until a cluster holds all of it, flushed
Console.WriteLine($"held by {client.ConnectedTo}");

await using StreamsConsumer consumer =
    await client.ConsumeAsync(new ConsumerOptions { Name = ConsumerName.Parse("quick-start"), Stream = stream });
int received = 0;
await foreach (ReceivedEvent e in consumer.ReadAllAsync())
{
    Console.WriteLine($"{e.Partition}@{e.Place}  {e.Topic}  {Encoding.UTF8.GetString(e.Payload.Span)}");
    e.Acknowledge();                                             // the cursor moves behind it; the next run begins there
    if (++received == Events)
    {
        break;
    }
}
