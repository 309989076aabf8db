using System.Globalization;
using System.Text.Json;

namespace EdgeGateway;

/// <summary>Where the agent listens, on 127.0.0.1.</summary>
internal sealed record AgentPorts(int Machines, int Http);

/// <summary>The agent: one process, with a store and a configuration of its own, that can be killed and started again.</summary>
internal sealed class AgentProcess : IAsyncDisposable
{
    private readonly GuardedProcess _process;
    private readonly HealthWait _health;
    private readonly HttpClient _http;
    private readonly string _store;
    private int _isUp;

    public AgentProcess(string directory, AgentPorts ports, string configuration, string? agent, AgentClock clock, HttpClient http,
        TimeProvider time)
    {
        Ports = ports;
        _http = http;
        _store = Path.Combine(directory, "agent");
        string file = Path.Combine(directory, "agent.json");
        File.WriteAllText(file, configuration);
        (string program, IReadOnlyList<string> arguments) =
            BuiltProgram.Find("edge-agent", "Streams.EdgeAgent", agent, "--agent");
        _process = new GuardedProcess(program, [.. arguments, "run", file], Path.Combine(directory, "agent.log"), clock.Environment);
        _health = new HealthWait(_process, "the agent", Http, http, time);
    }

    public AgentPorts Ports { get; }

    public int? ProcessId => _process.Id;

    public Uri Http => new($"http://127.0.0.1:{Ports.Http}/");

    /// <summary>Whether it answered as healthy since it was last started.</summary>
    public bool IsUp => Volatile.Read(ref _isUp) == 1;

    /// <summary>Bytes of its store's files.</summary>
    public long StoreBytes => Directory.Exists(_store)
        ? new DirectoryInfo(_store).EnumerateFiles("agent.db*").Sum(static f => f.Exists ? f.Length : 0) : 0;

    /// <summary>Megabytes of memory that it has resident; 0 when that is not known.</summary>
    public double MemoryMegabytes
    {
        get
        {
            try
            {
                string? line = ProcessId is { } id && OperatingSystem.IsLinux()
                    ? File.ReadLines($"/proc/{id}/status").FirstOrDefault(static l => l.StartsWith("VmRSS:", StringComparison.Ordinal))
                    : null;
                return line is null ? 0 : long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], null) / 1024.0;
            }
            catch (IOException)
            {
                return 0;
            }
        }
    }

    /// <summary>The configuration of an agent between machines and clusters.</summary>
    /// <param name="ports">Where it listens.</param>
    /// <param name="clusters">The clusters, as NAME=HOST:PORT.</param>
    /// <param name="up">The stream that goes up.</param>
    /// <param name="down">The stream that comes down.</param>
    /// <param name="connections">Most machines.</param>
    /// <param name="store">What its store may take and does then; <see langword="null"/> for the defaults.</param>
    public static string Configuration(AgentPorts ports, IReadOnlyList<string> clusters, string up, string down, int connections,
        object? store = null) => JsonSerializer.Serialize(new
        {
            name = "gateway-1",
            data = "agent",
            store = store ?? new { maxBytes = "1 GiB" },
            http = $"127.0.0.1:{ports.Http}",
            listeners = new[] { new { name = "machines", address = $"127.0.0.1:{ports.Machines}" } },
            limits = new { connections },
            clusters = new { to = clusters, up = new[] { up }, down = new[] { new { stream = down } } },
        }, JsonSerializerOptions.Web);

    /// <summary>Starts it and waits until it is healthy.</summary>
    /// <exception cref="ClusterFailedException">It ended, or is not healthy after <paramref name="limit"/>.</exception>
    public async Task StartAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        _process.Start();
        await _health.UntilHealthyAsync(limit, cancellationToken);
        Volatile.Write(ref _isUp, 1);
    }

    /// <summary>SIGKILL. Returns when it is gone.</summary>
    public Task KillAsync()
    {
        Volatile.Write(ref _isUp, 0);
        return _process.KillAsync();
    }

    /// <summary>What it says of itself; <see langword="null"/> when it does not answer.</summary>
    public async Task<AgentMetrics?> MetricsAsync(CancellationToken cancellationToken)
    {
        try
        {
            string text = await _http.GetStringAsync(new Uri(Http, "metrics"), cancellationToken);
            return new AgentMetrics(Value(text, "streams_agent_uplink_connected") > 0, (long)Value(text, "streams_agent_uplink_waiting"),
                (long)Value(text, "streams_agent_store_events"), (long)Value(text, "streams_agent_store_dropped_total"));
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        Volatile.Write(ref _isUp, 0);
        await _process.DisposeAsync();
    }

    private static double Value(string metrics, string name)
    {
        foreach (string line in metrics.Split('\n'))
        {
            if (line.StartsWith(name, StringComparison.Ordinal) && line.Length > name.Length && line[name.Length] is ' ' or '{')
            {
                return double.Parse(line.AsSpan(line.LastIndexOf(' ') + 1), CultureInfo.InvariantCulture);
            }
        }

        return 0;
    }
}

/// <summary>What the agent says of itself.</summary>
/// <param name="IsConnected">Whether a cluster is connected.</param>
/// <param name="Waiting">Events that wait to go up.</param>
/// <param name="Stored">Events in its store.</param>
/// <param name="Dropped">Events that went although no cluster had them.</param>
internal sealed record AgentMetrics(bool IsConnected, long Waiting, long Stored, long Dropped);
