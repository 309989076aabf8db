using Streams.Core;

namespace FieldTrial;

/// <summary>Where a cluster listens, all on 127.0.0.1.</summary>
internal sealed record ClusterPorts(int Mqtt, int Http, int Link);

/// <summary>One cluster: a server process that can be killed and started again with the same data and ports. It does not outlive this
/// program.</summary>
internal sealed class ClusterProcess : IAsyncDisposable
{
    private readonly GuardedProcess _process;
    private readonly HealthWait _health;
    private int _isUp;

    public ClusterProcess(ClusterName name, ClusterPorts ports, (ClusterName Name, ClusterPorts Ports) linkTo, string dataDirectory,
        (string Program, IReadOnlyList<string> Arguments) server, HttpClient http, TimeProvider time)
    {
        Name = name;
        Ports = ports;
        _process = new GuardedProcess(server.Program,
        [
            .. server.Arguments, "--cluster", name.Value, "--data", dataDirectory, "--mqtt", Address(ports.Mqtt),
            "--http", Address(ports.Http), "--link", Address(ports.Link), "--link-to", $"{linkTo.Name}={Address(linkTo.Ports.Link)}",
        ], dataDirectory + ".log");
        _health = new HealthWait(_process, name.Value, Http, http, time);
    }

    public ClusterName Name { get; }

    public ClusterPorts Ports { get; }

    public Uri Http => new($"http://{Address(Ports.Http)}/");

    /// <summary>Whether it answered as healthy since it was last started.</summary>
    public bool IsUp => Volatile.Read(ref _isUp) == 1;

    public int? ProcessId => _process.Id;

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

    public async ValueTask DisposeAsync()
    {
        Volatile.Write(ref _isUp, 0);
        await _process.DisposeAsync();
    }

    private static string Address(int port) => $"127.0.0.1:{port}";
}
