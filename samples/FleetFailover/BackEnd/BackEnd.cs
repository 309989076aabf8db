using System.Threading.Channels;
using Streams.Client;
using Streams.Core;

namespace FleetFailover;

/// <summary>The back end: one SDK client that consumes the telemetry of all cars and answers every tenth event of a car with a command to
/// it.</summary>
internal sealed class BackEnd : IAsyncDisposable
{
    private const int EventsPerCommand = 10;

    /// <summary>Commands that wait for the outbox; beyond it the reading of telemetry waits.</summary>
    private const int MaxWaiting = 1_024;

    /// <summary>Commands that the outbox may write with one flush.</summary>
    private const int MaxUnderWay = 1_024;

    private readonly FleetWorld _world;
    private readonly StreamsClient _client;
    private readonly StreamsConsumer _consumer;
    private readonly Publisher _publisher;
    private readonly Channel<(ReceivedEvent Cause, int Car, int Number)> _toSend =
        Channel.CreateBounded<(ReceivedEvent, int, int)>(MaxWaiting);
    private readonly int[] _commandNumbers;
    private readonly TopicName[] _commandTopics;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _reading;
    private readonly Task _sending;
    private long _wanted;
    private long _released;

    private BackEnd(FleetWorld world, StreamsClient client, StreamsConsumer consumer)
    {
        _world = world;
        _client = client;
        _consumer = consumer;
        _commandNumbers = new int[world.Cars.Names.Count];
        _commandTopics = [.. world.Cars.Names.Select(TopicName.Parse)];
        _publisher = new Publisher(client, Judge.CommandStream, world.Judge.Commands, world);
        Connection = new Connection(client);
        _reading = GuardAsync("reading telemetry", ReadAsync);
        _sending = GuardAsync("sending commands", SendAsync);
    }

    public Connection Connection { get; }

    public long OutboxEvents => _client.OutboxEvents;

    /// <summary>Commands decided on that are not in the outbox yet.</summary>
    public long CommandsWaiting => Interlocked.Read(ref _wanted) - _world.Judge.Commands.Sent;

    /// <summary>Events that were given although an earlier one of their producer had not arrived in time.</summary>
    public long OrderReleased => Interlocked.Read(ref _released);

    public static async Task<BackEnd> OpenAsync(FleetWorld world, CancellationToken cancellationToken)
    {
        StreamsClient client = await world.OpenClientAsync("backend", cancellationToken);
        StreamsConsumer consumer = await client.ConsumeAsync(
            new ConsumerOptions { Name = ConsumerName.Parse("backend"), Stream = Judge.Fleet }, cancellationToken);
        return new BackEnd(world, client, consumer);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_reading, _sending);
        await _consumer.DisposeAsync();
        await _client.DisposeAsync();
        _publisher.Dispose();
        _stop.Dispose();
    }

    private async Task ReadAsync()
    {
        await foreach (ReceivedEvent received in _consumer.ReadAllAsync(_stop.Token))
        {
            if (received.OrderReleased)
            {
                Interlocked.Increment(ref _released);
            }

            if (!_world.Cars.TryRead(received.Payload.Span, out int car, out int number))
            {
                _world.Judge.Telemetry.DeliverUnreadable(
                    $"the back end was given a damaged event from {received.Partition} {received.Place}");
                received.Acknowledge();
                continue;
            }

            _world.Saboteur.Deliver(car, number, _world.PlaceOf(received));
            if (number % EventsPerCommand == 1)
            {
                Interlocked.Increment(ref _wanted);
                await _toSend.Writer.WriteAsync((received, car, ++_commandNumbers[car]), _stop.Token);
            }
            else
            {
                received.Acknowledge();
            }
        }
    }

    /// <summary>The telemetry that caused a command is done with only when the command is in the outbox.</summary>
    private async Task SendAsync()
    {
        Queue<(Task Stored, ReceivedEvent Cause)> underWay = new(MaxUnderWay);
        await foreach ((ReceivedEvent cause, int car, int number) in _toSend.Reader.ReadAllAsync(_stop.Token))
        {
            byte[] payload = EventText.Write(_world.Cars.Names[car], number, "{\"command\":\"report\",\"reason\":\"routine\"}"u8);
            Task stored = await _publisher.StartAsync(car, number, _commandTopics[car], payload, null, _stop.Token);
            underWay.Enqueue((stored, cause));
            while (underWay.Count == MaxUnderWay || (underWay.Count > 0 && !_toSend.Reader.TryPeek(out _)))
            {
                (Task oldest, ReceivedEvent done) = underWay.Dequeue();
                await oldest;
                done.Acknowledge();
            }
        }
    }

    private async Task GuardAsync(string what, Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (OperationCanceledException)
        {
        }
        catch (Exception fault)
        {
            _world.Judge.Fail($"the back end stopped {what}: {fault.Message}");
        }
    }
}
