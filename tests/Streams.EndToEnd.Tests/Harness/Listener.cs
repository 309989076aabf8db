using System.Text;
using Streams.Client;
using Streams.Core;
using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>A back end with the SDK that reads a whole stream, acknowledges each event, and keeps what it was given.</summary>
internal sealed class Listener : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly List<ReceivedEvent> _received = [];
    private readonly CancellationTokenSource _stop = new();
    private StreamsConsumer? _consumer;
    private Task _reading = Task.CompletedTask;

    private Listener(StreamsClient client, CollectedLogs logs)
    {
        Client = client;
        Logs = logs;
    }

    public StreamsClient Client { get; }

    /// <summary>What the SDK logged.</summary>
    public CollectedLogs Logs { get; }

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _received.Count;
            }
        }
    }

    public static async Task<Listener> OpenAsync(StreamsClientOptions options, string stream)
    {
        var logging = new CollectingLoggerProvider();
        var listener = new Listener(await StreamsClient.OpenAsync(options, logging), logging.Logs);
        listener._consumer = await listener.Client.ConsumeAsync(new ConsumerOptions
        {
            Name = ConsumerName.Parse(options.Name),
            Stream = StreamPath.Parse(stream),
        });
        listener._reading = listener.ReadAsync();
        return listener;
    }

    /// <summary>The texts given so far that begin with this name, in the order they were given.</summary>
    public IReadOnlyList<string> Given(string name)
    {
        lock (_gate)
        {
            return
            [
                .. _received.Select(found => Encoding.UTF8.GetString(found.Payload.Span))
                    .Where(text => text.StartsWith(name + " ", StringComparison.Ordinal)),
            ];
        }
    }

    public Task CountAsync(int count) => Eventually.TrueAsync(
        () => Count >= count, $"{count} events are given", TimeSpan.FromSeconds(60),
        () => $"{Count} given, connected to {Client.ConnectedTo}; {Logs.Text}");

    /// <summary>
    /// Waits until everything of a device was given, then checks that it was given once and in order, and that the order was never
    /// given up.
    /// </summary>
    public async Task EachOnceInOrderAsync(Device device)
    {
        await Eventually.TrueAsync(
            () => Given(device.Name).Distinct().Count() >= device.Published, $"all {device.Published} events of {device.Name} are given",
            TimeSpan.FromSeconds(60),
            () => $"{Given(device.Name).Count} given, first missing: "
                + $"{device.Everything().Except(Given(device.Name)).FirstOrDefault()}, connected to {Client.ConnectedTo}; {Logs.Text}");
        Assert.Equal(device.Everything(), Given(device.Name));
        lock (_gate)
        {
            Assert.DoesNotContain(_received, found => found.OrderReleased);
        }

        Logs.AssertNoErrors();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAny(_reading);
        await _consumer!.DisposeAsync();
        await Client.DisposeAsync();
        _stop.Dispose();
        await _reading;
    }

    private async Task ReadAsync()
    {
        try
        {
            await foreach (var found in _consumer!.ReadAllAsync(_stop.Token))
            {
                lock (_gate)
                {
                    _received.Add(found);
                }

                found.Acknowledge();
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Told to stop.
        }
    }
}
