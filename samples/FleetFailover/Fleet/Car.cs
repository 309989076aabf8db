using Streams.Client;
using Streams.Core;

namespace FleetFailover;

/// <summary>A car: one SDK client with its own outbox file, which publishes telemetry and listens for the commands addressed to
/// it.</summary>
internal sealed class Car : IAsyncDisposable
{
    private readonly TrialWorld _world;
    private readonly StreamsClient _client;
    private readonly StreamsConsumer _consumer;
    private readonly Publisher _publisher;
    private readonly TopicName _topic;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _listening;
    private int _number;

    private Car(int index, TrialWorld world, ResumeTimes resume, StreamsClient client, StreamsConsumer consumer)
    {
        Index = index;
        _world = world;
        _client = client;
        _consumer = consumer;
        _topic = TopicName.Parse($"{Name}/telemetry");
        _publisher = new Publisher(client, FleetStreams.Fleet, world.Judge.Telemetry, world) { Confirmed = resume.Confirmed };
        Connection = new Connection(client);
        _listening = ListenAsync();
    }

    public int Index { get; }

    public string Name => _world.Devices.Names[Index];

    public Connection Connection { get; }

    public long OutboxEvents => _client.OutboxEvents;

    public static async Task<Car> OpenAsync(int index, TrialWorld world, ResumeTimes resume, CancellationToken cancellationToken)
    {
        string name = world.Devices.Names[index];
        StreamsClient client = await world.OpenClientAsync("car-" + name, cancellationToken);
        StreamsConsumer consumer = await client.ConsumeAsync(
            new ConsumerOptions { Name = ConsumerName.Parse("car-" + name), Stream = FleetStreams.Commands, Filters = [name] },
                cancellationToken);
        return new Car(index, world, resume, client, consumer);
    }

    /// <summary>Starts to publish the car's next event; the inner task completes when it is in the outbox. One caller at a time.</summary>
    public ValueTask<Task> StartPublishAsync(ReadOnlySpan<byte> data, DateTimeOffset when, CancellationToken cancellationToken)
    {
        int number = ++_number;
        return _publisher.StartAsync(Index, number, _topic, EventText.Write(Name, number, data), when, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _listening;
        await _consumer.DisposeAsync();
        await _client.DisposeAsync();
        _publisher.Dispose();
        _stop.Dispose();
    }

    private async Task ListenAsync()
    {
        try
        {
            await foreach (ReceivedEvent command in _consumer.ReadAllAsync(_stop.Token))
            {
                if (!_world.Devices.TryRead(command.Payload.Span, out int car, out int number))
                {
                    _world.Judge.Commands.DeliverUnreadable($"{Name} was given a damaged command from {command.Partition} {command.Place}");
                }
                else if (car != Index || command.Topic.Value != Name)
                {
                    _world.Judge.Commands.DeliverUnreadable(
                        $"{Name} was given {_world.Judge.Commands.Name(car, number)} of topic {command.Topic}");
                }
                else
                {
                    _world.Judge.Commands.Deliver(car, number, _world.PlaceOf(command));
                }

                command.Acknowledge();
            }
        }
        catch (OperationCanceledException)
        {
        }
        catch (Exception fault)
        {
            _world.Judge.Fail($"{Name} stopped listening: {fault.Message}");
        }
    }
}
