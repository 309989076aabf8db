using System.Collections.Concurrent;
using System.Text;
using Streams.Client;
using Streams.Core;
using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>A device with the SDK that publishes numbered events to one topic: <c>car-1 1</c>, <c>car-1 2</c>, …</summary>
internal sealed class Device : IAsyncDisposable
{
    /// <summary>More events than this without an answer make the publisher wait: tests that cut lines must not fill the disk.</summary>
    private const int MaxUnconfirmed = 400;

    private readonly ConcurrentQueue<Task> _notes = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly StreamPath _stream;
    private readonly TopicName _topic;
    private Task _publishing = Task.CompletedTask;
    private int _confirmed;

    private Device(string name, StreamsClient client, CollectedLogs logs, string stream)
    {
        Name = name;
        Client = client;
        Logs = logs;
        _stream = StreamPath.Parse(stream);
        _topic = TopicName.Parse(name + "/telemetry");
    }

    public string Name { get; }

    public StreamsClient Client { get; }

    /// <summary>What the SDK logged.</summary>
    public CollectedLogs Logs { get; }

    /// <summary>Events published so far: they are numbered from 1 to this.</summary>
    public int Published { get; private set; }

    /// <summary>Events that a cluster confirmed.</summary>
    public int Confirmed => Volatile.Read(ref _confirmed);

    /// <summary>Impatient options: faults are noticed within two seconds, and the device stays where it went.</summary>
    public static StreamsClientOptions Options(string name, string outbox, params IReadOnlyList<ClusterEndpoint> clusters) => new()
    {
        Name = name,
        Clusters = clusters,
        OutboxPath = outbox,
        AnswerTimeout = TimeSpan.FromSeconds(2),
        KeepAlive = TimeSpan.FromSeconds(1),
        ConnectBackoff = (TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(250)),
        FailBackAfter = Timeout.InfiniteTimeSpan,
        Linger = TimeSpan.FromMilliseconds(1),
    };

    public static async Task<Device> OpenAsync(StreamsClientOptions options, string stream, int alreadyPublished = 0)
    {
        var logging = new CollectingLoggerProvider();
        var client = await StreamsClient.OpenAsync(options, logging);
        return new Device(options.Name, client, logging.Logs, stream) { Published = alreadyPublished };
    }

    /// <summary>Publishes this many events; returns when they are on the device's disk.</summary>
    public async Task PublishAsync(int count, AckLedger? ledger = null)
    {
        for (var i = 0; i < count; i++)
        {
            Published++;
            var text = $"{Name} {Published}";
            var receipt = await Client.PublishAsync(_stream, _topic, Encoding.UTF8.GetBytes(text));
            _notes.Enqueue(NoteAsync(receipt, text, ledger));
        }
    }

    /// <summary>Publishes without end, until <see cref="StopAsync"/>.</summary>
    public void PublishAllTheTime(AckLedger? ledger = null) => _publishing = RunAsync(ledger);

    /// <summary>Waits until this many events were confirmed.</summary>
    public Task ConfirmedAsync(int count) => Eventually.TrueAsync(
        () => Confirmed >= count, $"{count} events of {Name} are confirmed", TimeSpan.FromSeconds(60),
        () => $"{Confirmed} of {Published} confirmed, connected to {Client.ConnectedTo}; {Logs.Text}");

    /// <summary>Stops publishing and waits until everything is confirmed.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _publishing;
        await ConfirmedAsync(Published);
        await Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
        await Task.WhenAll(_notes);
        Logs.AssertNoErrors();
    }

    /// <summary>Every event published so far, as a consumer should see it.</summary>
    public IEnumerable<string> Everything() => Enumerable.Range(1, Published).Select(number => $"{Name} {number}");

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAny(_publishing);
        await Client.DisposeAsync();
        _stop.Dispose();
    }

    private async Task RunAsync(AckLedger? ledger)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(1));
        try
        {
            while (!_stop.IsCancellationRequested)
            {
                if (Published - Confirmed < MaxUnconfirmed)
                {
                    await PublishAsync(1, ledger);
                }
                else
                {
                    await pause.WaitForNextTickAsync(_stop.Token);
                }
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Told to stop.
        }
    }

    private async Task NoteAsync(PublishReceipt receipt, string text, AckLedger? ledger)
    {
        try
        {
            ledger?.Placed(await receipt.Stored, text);
            await receipt.Stored;
            Interlocked.Increment(ref _confirmed);
        }
        catch (OperationCanceledException)
        {
            // The client was disposed first: the event stays in the outbox.
        }
    }
}
