using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Streams.Client;
using Streams.Core;
using Streams.Testing;

namespace Streams.EdgeAgent.Tests;

/// <summary>Agents that send to each other, in this process or as processes of their own, each on a port that stays.</summary>
internal sealed class ChainScene : IAsyncDisposable
{
    private static int _scenes;

    private readonly TemporaryDirectory _folder = new();
    private readonly Dictionary<string, AgentHost> _hosts = [];
    private readonly Dictionary<string, ChildProcess> _processes = [];
    private readonly Dictionary<string, (int Devices, int Http)> _ports = [];
    private readonly List<IAsyncDisposable> _open = [];
    private readonly HttpClient _http = new();
    private readonly int _number = Interlocked.Increment(ref _scenes);

    public CollectingLoggerProvider Log { get; } = new();

    /// <summary>A name of its own for each story, as stories share a cluster.</summary>
    public string Plant => $"plant{_number}";

    public string Orders => $"orders{_number}";

    public int PortOf(string agent) => Ports(agent).Devices;

    public AgentHost Host(string agent) => _hosts[agent];

    /// <summary>Starts an agent in this process that sends to others.</summary>
    public async Task StartAsync(string agent, params string[] to) => _hosts[agent] = await AgentHost.StartAsync(
        AgentConfiguration.Load(Write(agent, to), DateTimeOffset.UnixEpoch), TimeProvider.System, new Random(), Log, default);

    public async Task StopAsync(string agent)
    {
        _hosts.Remove(agent, out AgentHost? host);
        await host!.DisposeAsync();
    }

    /// <summary>Starts an agent as a process of its own.</summary>
    public async Task RunAsync(string agent, params string[] to)
    {
        ChildProcess process = ChildProcess.Start(Repository.DotnetHost,
            [Repository.BuiltProgram("edge-agent/Streams.EdgeAgent"), "run", Write(agent, to)]);
        _processes[agent] = process;
        await process.WaitForLineAsync(l => l.StartsWith("ready: ", StringComparison.Ordinal), "the ready line");
    }

    public async Task KillAsync(string agent)
    {
        _processes.Remove(agent, out ChildProcess? process);
        await process!.KillAsync();
        await process.DisposeAsync();
    }

    /// <summary>What another names this agent by in its list of clusters.</summary>
    public string At(string agent) => $"{agent}=127.0.0.1:{Ports(agent).Devices}";

    public async Task<string> GetAsync(string agent, string path)
    {
        using HttpResponseMessage answer = await _http.GetAsync(new Uri($"http://127.0.0.1:{Ports(agent).Http}{path}"));
        return await answer.Content.ReadAsStringAsync();
    }

    /// <summary>A device with the SDK, at the places named.</summary>
    public async Task<StreamsClient> DeviceAsync(string name, params string[] at)
    {
        StreamsClient client = await StreamsClient.OpenAsync(new StreamsClientOptions
        {
            Name = $"{name}-{_number}",
            OutboxPath = _folder.Combine(name, "outbox.db"),
            Clusters = [.. at.Select(ClusterEndpoint.Parse)],
            AnswerTimeout = TimeSpan.FromSeconds(3),
            Patience = TimeSpan.FromSeconds(1),        // a lane of an agent never comes to a cluster
            ConnectBackoff = (TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(200)),
        }, NullLoggerFactory.Instance);
        _open.Add(client);
        return client;
    }

    /// <summary>Everything of a stream that a cluster or agent gives, until there are so many and nothing follows.</summary>
    public async Task<List<ReceivedEvent>> ReadAsync(string at, string stream, int count)
    {
        StreamsClient client = await DeviceAsync($"reader-{stream}-{at[..2]}", at);
        await using StreamsConsumer consumer = await client.ConsumeAsync(new ConsumerOptions
        {
            Name = ConsumerName.Parse($"reader-{_number}"), Stream = StreamPath.Parse("/" + stream),
        });
        List<ReceivedEvent> events = [];
        using CancellationTokenSource enough = new(TimeSpan.FromSeconds(30));
        try
        {
            await foreach (ReceivedEvent received in consumer.ReadAllAsync(enough.Token))
            {
                events.Add(received);
                received.Acknowledge();
                if (events.Count == count)
                {
                    enough.CancelAfter(TimeSpan.FromMilliseconds(300));      // one too many would come now
                }
            }
        }
        catch (OperationCanceledException) when (events.Count >= count)
        {
        }

        return events;
    }

    public static string Text(ReceivedEvent e) => Encoding.UTF8.GetString(e.Payload.Span);

    public async ValueTask DisposeAsync()
    {
        foreach (IAsyncDisposable open in _open)
        {
            await open.DisposeAsync();
        }

        foreach (AgentHost host in _hosts.Values)
        {
            await host.DisposeAsync();
        }

        foreach (ChildProcess process in _processes.Values)
        {
            await process.DisposeAsync();
        }

        _http.Dispose();
        _folder.Dispose();
    }

    private (int Devices, int Http) Ports(string agent)
    {
        if (!_ports.TryGetValue(agent, out (int, int) ports))
        {
            _ports[agent] = ports = (FreePort.Next(), FreePort.Next());
        }

        return ports;
    }

    private string Write(string agent, string[] to)
    {
        string file = _folder.Combine($"{agent}.json");
        string clusters = to.Length == 0 ? string.Empty : $$"""
            , "clusters": { "to": [ {{string.Join(", ", to.Select(t => $"\"{t}\""))}} ], "up": [ "/{{Plant}}" ],
                "down": [ { "stream": "/{{Orders}}", "consumer": "agent/{{agent}}-{{_number}}" } ] }
            """;
        File.WriteAllText(file, $$"""
            { "name": "{{agent}}", "data": "data-{{agent}}", "http": "127.0.0.1:{{Ports(agent).Http}}",
              "listeners": [ { "name": "devices", "address": "127.0.0.1:{{Ports(agent).Devices}}" } ]{{clusters}} }
            """);
        return file;
    }
}
