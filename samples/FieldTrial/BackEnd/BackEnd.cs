using System.Threading.Channels;
using Streams.Client;
using Streams.Core;

namespace FieldTrial;

/// <summary>The back end: one SDK client that consumes the telemetry of all devices and answers every so many events of a
/// device with a command to it.</summary>
internal sealed class BackEnd : IAsyncDisposable
{
    /// <summary>Commands that wait for the outbox; beyond it the reading of telemetry waits.</summary>
    private const int MaxWaiting = 1_024;

    /// <summary>Commands that the outbox may write with one flush.</summary>
    private const int MaxUnderWay = 1_024;

    private readonly TrialWorld _world;
    private readonly StreamsClient _client;
    private readonly StreamsConsumer _consumer;
    private readonly Publisher _publisher;
    private readonly Channel<(ReceivedEvent Cause, int Device, int Number)> _toSend =
        Channel.CreateBounded<(ReceivedEvent, int, int)>(MaxWaiting);
    private readonly int[] _commandNumbers;
    private readonly TopicName[] _commandTopics;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _reading;
    private readonly Task _sending;
    private long _wanted;
    private long _released;
    private readonly int _eventsPerCommand;

    private BackEnd(TrialWorld world, StreamsClient client, StreamsConsumer consumer, int eventsPerCommand)
    {
        _world = world;
        _eventsPerCommand = eventsPerCommand;
        _client = client;
        _consumer = consumer;
        _commandNumbers = new int[world.Devices.Names.Count];
        _commandTopics = [.. world.Devices.Names.Select(TopicName.Parse)];
        _publisher = new Publisher(client, world.Judge.CommandStream, world.Judge.Commands, world);
        Connection = new Connection(client);
        _reading = GuardAsync("reading telemetry", ReadAsync);
        _sending = GuardAsync("sending commands", SendAsync);
    }

    public Connection Connection { get; }

    /// <summary>Called for each event that was handed over, with its device and number.</summary>
    public Action<int, int>? Received { get; set; }

    public long OutboxEvents => _client.OutboxEvents;

    /// <summary>Commands decided on that are not in the outbox yet.</summary>
    public long CommandsWaiting => Interlocked.Read(ref _wanted) - _world.Judge.Commands.Sent;

    /// <summary>Events that were given although an earlier one of their producer had not arrived in time.</summary>
    public long OrderReleased => Interlocked.Read(ref _released);

    public static async Task<BackEnd> OpenAsync(TrialWorld world, int eventsPerCommand, CancellationToken cancellationToken)
    {
        StreamsClient client = await world.OpenClientAsync("backend", cancellationToken);
        StreamsConsumer consumer = await client.ConsumeAsync(
            new ConsumerOptions { Name = ConsumerName.Parse("backend"), Stream = world.Judge.TelemetryStream }, cancellationToken);
        return new BackEnd(world, client, consumer, eventsPerCommand);
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

            if (!_world.Devices.TryRead(received.Payload.Span, out int device, out int number))
            {
                _world.Judge.Telemetry.DeliverUnreadable(
                    $"the back end was given a damaged event from {received.Partition} {received.Place}");
                received.Acknowledge();
                continue;
            }

            Received?.Invoke(device, number);
            _world.Saboteur.Deliver(device, number, _world.PlaceOf(received));
            if (number % _eventsPerCommand == 1 % _eventsPerCommand)
            {
                Interlocked.Increment(ref _wanted);
                await _toSend.Writer.WriteAsync((received, device, ++_commandNumbers[device]), _stop.Token);
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
        await foreach ((ReceivedEvent cause, int device, int number) in _toSend.Reader.ReadAllAsync(_stop.Token))
        {
            byte[] payload = EventText.Write(_world.Devices.Names[device], number, "{\"command\":\"report\",\"reason\":\"routine\"}"u8);
            Task stored = await _publisher.StartAsync(device, number, _commandTopics[device], payload, null, _stop.Token);
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
