using System.Diagnostics;
using Streams.Core;

namespace FleetFailover;

/// <summary>Where a cluster listens, all on 127.0.0.1.</summary>
internal sealed record ClusterPorts(int Mqtt, int Http, int Link);

/// <summary>One cluster: a server process that can be killed and started again with the same data and ports. It does not outlive this
/// program.</summary>
internal sealed class ClusterProcess : IAsyncDisposable
{
    private const int KeptLines = 40;

    private readonly string _program;
    private readonly IReadOnlyList<string> _arguments;
    private readonly HttpClient _http;
    private readonly TimeProvider _time;
    private readonly Queue<string> _lines = new();
    private readonly StreamWriter _log;
    private Process? _process;
    private ProcessGuard? _guard;
    private int _isUp;

    public ClusterProcess(ClusterName name, ClusterPorts ports, (ClusterName Name, ClusterPorts Ports) linkTo, string dataDirectory,
        (string Program, IReadOnlyList<string> Arguments) server, HttpClient http, TimeProvider time)
    {
        Name = name;
        Ports = ports;
        _http = http;
        _time = time;
        _program = server.Program;
        _arguments =
        [
            .. server.Arguments, "--cluster", name.Value, "--data", dataDirectory, "--mqtt", Address(ports.Mqtt),
            "--http", Address(ports.Http), "--link", Address(ports.Link), "--link-to", $"{linkTo.Name}={Address(linkTo.Ports.Link)}",
        ];
        _log = new StreamWriter(dataDirectory + ".log", append: true) { AutoFlush = true };
    }

    public ClusterName Name { get; }

    public ClusterPorts Ports { get; }

    public Uri Http => new($"http://{Address(Ports.Http)}/");

    /// <summary>Whether it answered as healthy since it was last started.</summary>
    public bool IsUp => Volatile.Read(ref _isUp) == 1;

    public int? ProcessId => _process?.Id;

    /// <summary>Whether it ended without being told to.</summary>
    public bool HasCrashed => _process is { HasExited: true };

    /// <summary>The last lines of its output.</summary>
    public string Tail
    {
        get
        {
            lock (_lines)
            {
                return string.Join(Environment.NewLine, _lines);
            }
        }
    }

    /// <summary>Starts it and waits until it is healthy.</summary>
    /// <exception cref="ClusterFailedException">It ended, or is not healthy after <paramref name="limit"/>.</exception>
    public async Task StartAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        Process process = new()
        {
            StartInfo = new ProcessStartInfo(_program, _arguments)
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                UseShellExecute = false,
            },
        };
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.Start();
        _guard = ProcessGuard.For(process.Id);
        _process = process;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        await WaitUntilHealthyAsync(limit, cancellationToken);
    }

    /// <summary>SIGKILL. Returns when it is gone.</summary>
    public async Task KillAsync()
    {
        Volatile.Write(ref _isUp, 0);
        if (_process is { } process)
        {
            _process = null;
            _guard!.Dispose();
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        await _log.DisposeAsync();
    }

    private async Task WaitUntilHealthyAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        long started = _time.GetTimestamp();
        string seen = "no answer";
        while (_time.GetElapsedTime(started) < limit)
        {
            if (HasCrashed)
            {
                await _process!.WaitForExitAsync(cancellationToken);           // until its last words are read
                throw new ClusterFailedException($"{Name} ended with code {_process.ExitCode}:{Environment.NewLine}{Tail}");
            }

            try
            {
                using HttpResponseMessage answer = await _http.GetAsync(new Uri(Http, "health"), cancellationToken);
                seen = $"{(int)answer.StatusCode}";
                if (answer.IsSuccessStatusCode)
                {
                    Volatile.Write(ref _isUp, 1);
                    return;
                }
            }
            catch (HttpRequestException refused)
            {
                seen = refused.Message;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), _time, cancellationToken);
        }

        throw new ClusterFailedException($"{Name} is not healthy after {limit.TotalSeconds:0} s ({seen}):{Environment.NewLine}{Tail}");
    }

    private void Keep(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_lines)
        {
            _lines.Enqueue(line);
            if (_lines.Count > KeptLines)
            {
                _lines.Dequeue();
            }

            if (_log.BaseStream?.CanWrite == true)
            {
                _log.WriteLine(line);
            }
        }
    }

    private static string Address(int port) => $"127.0.0.1:{port}";
}
