// Three cars' readings are published by an observer; one consumer, shared by two observers, shows alarms and averages.
using System.Reactive.Linq;
using System.Reactive.Threading.Tasks;
using System.Text.Json.Serialization;
using Streams.Client;
using Streams.Client.Reactive;
using Streams.Core;

const int Readings = 60;
ClusterEndpoint[] clusters = args.Length > 0 ? [.. args.Select(ClusterEndpoint.Parse)] : [ClusterEndpoint.Parse("local=127.0.0.1:1883")];
StreamPath stream = StreamPath.Parse("/rx-fleet");
IEventSerializer<Reading> json = EventSerializer.Json(ReadingContext.Default.Reading);

await using StreamsClient client = await StreamsClient.OpenAsync(new StreamsClientOptions
{
    Name = "rx-fleet",
    Clusters = clusters,
    OutboxPath = Path.Combine(Path.GetTempPath(), "streams-rx-fleet.db"),
});

// Hot: one consumer for both observers, opened by Connect. An event is acknowledged when both have been called.
var events = client.Observe(new ConsumerOptions { Name = ConsumerName.Parse("rx-fleet"), Stream = stream }, json)
    .AcknowledgeAfterNext()
    .Take(Readings)
    .Where(static e => e.Fault is null)
    .Select(static e => e.Value)
    .Publish();

using IDisposable alarms = events.Where(static r => r.Speed > 130)
    .Subscribe(static r => Console.WriteLine($"alarm: {r.Car} at {r.Speed} km/h"));
Task averages = events.GroupBy(static r => r.Car)
    .SelectMany(static car => car.Select(static r => r.Speed).Average().Select(average => $"{car.Key}: {average:0.0} km/h on average"))
    .Do(Console.WriteLine)
    .ToTask();
using IDisposable connection = events.Connect();

// The observer waits until each reading is in the outbox, and the interval with it.
EventPublisher<Reading> publisher = client.ToObserver(stream, static reading => TopicName.Parse(reading.Car), json);
using IDisposable sensors = Observable.Interval(TimeSpan.FromMilliseconds(10))
    .Take(Readings)
    .Select(static n => new Reading($"car-{n % 3}", 80 + (int)(n * 7 % 60)))
    .Subscribe(publisher);
await publisher.Completion;
Console.WriteLine($"published {Readings} readings");
await averages;

internal sealed record Reading(string Car, int Speed);

[JsonSerializable(typeof(Reading))]
internal sealed partial class ReadingContext : JsonSerializerContext;
