using System.Text;
using Streams.Core;
using Streams.Testing;

namespace Streams.Client.Tests;

/// <summary>A device with one client, and what its consumer was given.</summary>
internal sealed class ClientStory : IAsyncDisposable
{
    public static readonly StreamPath Fleet = StreamPath.Parse("/fleet");
    private readonly TemporaryDirectory _directory = new();
    private readonly CollectingLoggerProvider _logs = new();
    private int _published;

    public ClientStory(params string[] clusters) => World = new ScriptedWorld(clusters);

    public ScriptedWorld World { get; }

    public StreamsClient Client { get; private set; } = null!;

    public CollectedLogs Logs => _logs.Logs;

    public List<string> Changes { get; } = [];

    public StreamsClientOptions Options => new()
    {
        Name = "car-17",
        Clusters = World.Endpoints,
        OutboxPath = Path.Combine(_directory.FullName, "outbox.db"),
        Linger = TimeSpan.Zero,
        BatchBytes = 4096,
        ConnectBackoff = (TimeSpan.FromMilliseconds(10), TimeSpan.FromMilliseconds(50)),
        FailBackAfter = Timeout.InfiniteTimeSpan,
        AnswerTimeout = TimeSpan.FromSeconds(5),
    };

    public async Task OpenAsync(StreamsClientOptions? options = null, int seed = 1)
    {
        Client = await StreamsClient.OpenAsync(options ?? Options, World, _logs, null, new Random(seed), default);
        Client.ConnectionChanged += cluster =>
        {
            lock (Changes)
            {
                Changes.Add(cluster?.Value ?? "-");
            }
        };
    }

    public async Task<List<PublishReceipt>> PublishAsync(int count, string topic = "t", int bytes = 0)
    {
        List<Task<PublishReceipt>> publishes = [];
        for (int i = 0; i < count; i++)
        {
            byte[] payload = Encoding.UTF8.GetBytes($"{++_published}".PadRight(bytes));
            publishes.Add(Client.PublishAsync(Fleet, TopicName.Parse(topic), payload).AsTask());
        }

        return [.. await Task.WhenAll(publishes)];
    }

    public ValueTask<StreamsConsumer> ConsumeAsync(string name = "c") =>
        Client.ConsumeAsync(new ConsumerOptions { Name = ConsumerName.Parse(name), Stream = Fleet });

    /// <summary>Reads until so many have been given, acknowledges them, and gives their payloads.</summary>
    public static async Task<List<string>> ReadAsync(StreamsConsumer consumer, int count, bool acknowledge = true,
        Action<ReceivedEvent>? each = null)
    {
        List<string> read = [];
        using CancellationTokenSource limit = new(Eventually.DefaultLimit);
        await foreach (ReceivedEvent received in consumer.ReadAllAsync(limit.Token))
        {
            read.Add(Encoding.UTF8.GetString(received.Payload.Span).TrimEnd());
            each?.Invoke(received);
            if (acknowledge)
            {
                received.Acknowledge();
            }

            if (read.Count == count)
            {
                return read;
            }
        }

        throw new NotReachedException($"waited in vain for {count} events, {read.Count} came: {string.Join(' ', read.TakeLast(20))}");
    }

    public static IEnumerable<string> Numbers(int first, int last) => Enumerable.Range(first, last - first + 1).Select(static i => $"{i}");

    public async ValueTask DisposeAsync()
    {
        if (Client is not null)
        {
            await Client.DisposeAsync();
        }

        _directory.Dispose();
    }
}
