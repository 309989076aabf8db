using System.Diagnostics;

namespace FieldTrial;

/// <summary>A program that can be killed and started again. Its output goes to a file; it does not outlive this program.</summary>
internal sealed class GuardedProcess : IAsyncDisposable
{
    private const int KeptLines = 40;

    private readonly string _program;
    private readonly IReadOnlyList<string> _arguments;
    private readonly IReadOnlyDictionary<string, string>? _environment;
    private readonly Queue<string> _lines = new();
    private readonly StreamWriter _log;
    private Process? _process;
    private ProcessGuard? _guard;

    public GuardedProcess(string program, IReadOnlyList<string> arguments, string logFile,
        IReadOnlyDictionary<string, string>? environment = null)
    {
        _program = program;
        _arguments = arguments;
        _environment = environment;
        _log = new StreamWriter(logFile, append: true) { AutoFlush = true };
    }

    public int? Id => _process?.Id;

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

    public void Start()
    {
        ProcessStartInfo info = new(_program, _arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach ((string name, string value) in _environment ?? new Dictionary<string, string>())
        {
            info.Environment[name] = value;
        }

        Process process = new() { StartInfo = info };
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.Start();
        _guard = ProcessGuard.For(process.Id);
        _process = process;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>What it said last, once it has ended by itself.</summary>
    public async Task<string> LastWordsAsync(CancellationToken cancellationToken)
    {
        await _process!.WaitForExitAsync(cancellationToken);           // until its last words are read
        return $"ended with code {_process.ExitCode}:{Environment.NewLine}{Tail}";
    }

    /// <summary>SIGKILL. Returns when it is gone.</summary>
    public async Task KillAsync()
    {
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
}
