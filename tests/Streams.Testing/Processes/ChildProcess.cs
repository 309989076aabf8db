using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Streams.Testing;

/// <summary>
/// A program started by a test, with its output captured. It does not outlive the test process as long as that one ends in an orderly
/// way: disposal kills it with its descendants, and whatever is left is killed when the test process exits.
/// </summary>
public sealed partial class ChildProcess : IAsyncDisposable
{
    private const int SignalTerminate = 15;
    private const int SignalContinue = 18;
    private const int SignalStop = 19;

    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(20);
    private static readonly Lock LivingGate = new();
    private static readonly HashSet<ChildProcess> Living = [];

    private readonly Process _process;
    private readonly LineRing _lines = new();

    static ChildProcess()
    {
        AppDomain.CurrentDomain.ProcessExit += (_, _) => KillLiving();
    }

    private ChildProcess(Process process, string commandLine)
    {
        _process = process;
        CommandLine = commandLine;
    }

    /// <summary>What was started, for messages.</summary>
    public string CommandLine { get; }

    public int Id { get; private set; }

    public bool HasExited => _process.HasExited;

    /// <summary>The exit code, or null while it runs. 128 + n after signal n.</summary>
    public int? ExitCode => _process.HasExited ? _process.ExitCode : null;

    /// <summary>The last lines of both outputs, oldest first.</summary>
    public IReadOnlyList<string> Lines => _lines.Lines;

    /// <summary>The command line, the exit code if any, and the last lines, for failure messages.</summary>
    public string Report => $"{CommandLine}{Environment.NewLine}({(ExitCode is { } code ? $"exited with {code}" : "running")})"
        + $"{Environment.NewLine}{_lines.Tail()}";

    /// <exception cref="System.ComponentModel.Win32Exception">The program cannot be started.</exception>
    public static ChildProcess Start(
        string program, IReadOnlyList<string> arguments, string? workingDirectory = null,
        IReadOnlyDictionary<string, string?>? environment = null)
    {
        var info = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            WorkingDirectory = workingDirectory ?? "",
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string?>())
        {
            info.Environment[name] = value;
        }

        var child = new ChildProcess(new Process { StartInfo = info }, string.Join(' ', [program, .. arguments]));
        child.Run();
        return child;
    }

    /// <summary>Waits until a line of either output meets the predicate, and gives it.</summary>
    /// <exception cref="NotReachedException">Not in time, or the process ended without; with its output.</exception>
    public async Task<string> WaitForLineAsync(
        Func<string, bool> predicate, string what, TimeSpan? limit = null, CancellationToken cancellationToken = default)
    {
        string? found = null;
        var exited = false;
        await Eventually.TrueAsync(
            () =>
            {
                // Asked before looking at the lines: of an exited process all lines are there once its outputs are drained.
                exited = HasExited && OutputsDrained();
                found = _lines.FirstOrDefault(predicate);
                return found is not null || exited;
            },
            $"{what} is written by: {CommandLine}", limit, () => Report, cancellationToken);
        return found ?? throw new NotReachedException($"The process ended before {what} was written: {Report}");
    }

    public async Task WriteLineAsync(string line, CancellationToken cancellationToken = default)
    {
        await _process.StandardInput.WriteLineAsync(line.AsMemory(), cancellationToken);
        await _process.StandardInput.FlushAsync(cancellationToken);
    }

    public void CloseInput() => _process.StandardInput.Close();

    /// <summary>Waits for the exit and all output, and gives the exit code.</summary>
    /// <exception cref="NotReachedException">Still running after the limit; it is left running.</exception>
    public async Task<int> WaitForExitAsync(TimeSpan? limit = null, CancellationToken cancellationToken = default)
    {
        var patience = limit ?? Eventually.DefaultLimit;
        try
        {
            await _process.WaitForExitAsync(cancellationToken).WaitAsync(patience, cancellationToken);
        }
        catch (TimeoutException exception)
        {
            throw new NotReachedException($"Waited {patience.TotalSeconds:0.###} s in vain until this ends: {Report}", exception);
        }

        return _process.ExitCode;
    }

    /// <summary>SIGKILL, to the process and its descendants; returns when it is gone. Nothing happens if it is gone already.</summary>
    public async Task KillAsync(CancellationToken cancellationToken = default)
    {
        KillNow();
        await WaitForExitAsync(cancellationToken: cancellationToken);
    }

    /// <summary>SIGTERM to the process alone; gives its exit code.</summary>
    /// <exception cref="NotReachedException">It did not end in time (default 20 s); it is left running.</exception>
    public async Task<int> TerminateAsync(TimeSpan? limit = null, CancellationToken cancellationToken = default)
    {
        Signal(SignalTerminate);
        return await WaitForExitAsync(limit, cancellationToken);
    }

    /// <summary>SIGSTOP: it neither runs nor answers, but its connections stay open. No thread of it runs code of its own when this
    /// returns: the signal alone stops one, and the others only when that one gets a processor.</summary>
    /// <exception cref="NotReachedException">It did not stop in time.</exception>
    public void Pause()
    {
        Signal(SignalStop);
        var limit = Stopwatch.StartNew();
        while (!HasExited && !IsStopped())
        {
            if (limit.Elapsed > StopLimit)
            {
                throw new NotReachedException($"{CommandLine} did not stop within {StopLimit.TotalSeconds} s of SIGSTOP");
            }

            Thread.Yield();
        }
    }

    /// <summary>SIGCONT.</summary>
    public void Resume() => Signal(SignalContinue);

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        lock (LivingGate)
        {
            Living.Remove(this);
        }

        // The Process object itself stays usable, so that a failing test can still report how the child ended.
        _process.StandardInput.Dispose();
    }

    private static void KillLiving()
    {
        ChildProcess[] living;
        lock (LivingGate)
        {
            living = [.. Living];
        }

        foreach (var child in living)
        {
            child.KillNow();
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SendSignal(int processId, int signal);

    private void Run()
    {
        _process.OutputDataReceived += (_, line) => Capture(line.Data);
        _process.ErrorDataReceived += (_, line) => Capture(line.Data);
        lock (LivingGate)
        {
            _process.Start();
            Living.Add(this);
        }

        Id = _process.Id;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    private void Capture(string? line)
    {
        if (line is not null)
        {
            _lines.Add(line);
        }
    }

    /// <summary>True once the readers of an exited process reached the end; does not wait.</summary>
    private bool OutputsDrained()
    {
        using var now = new CancellationTokenSource();
        var waiting = _process.WaitForExitAsync(now.Token);
        var drained = waiting.IsCompletedSuccessfully;
        now.Cancel();
        return drained;
    }

    private void Signal(int signal)
    {
        // A zombie is only reaped together with HasExited turning true, so the id cannot be another process's by then.
        if (!_process.HasExited && SendSignal(_process.Id, signal) != 0 && !_process.HasExited)
        {
            throw new InvalidOperationException($"Signal {signal} failed with errno {Marshal.GetLastPInvokeError()}: {Report}");
        }
    }

    private void KillNow()
    {
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It has ended by itself.
        }
        catch (AggregateException)
        {
            // A descendant ended while being killed.
        }
    }

    // A thread in an uninterruptible call of the system stops before it comes back from it, once the stop has begun.
    private bool IsStopped()
    {
        var hasBegun = false;
        foreach (var thread in Threads())
        {
            var state = StateOf(thread);
            hasBegun |= state is 'T' or 't';              // the latter under strace
            if (state is not ('T' or 't' or 'D' or 'Z' or 'X'))
            {
                return false;
            }
        }

        return hasBegun;
    }

    private string[] Threads()
    {
        try
        {
            return Directory.GetDirectories($"/proc/{Id}/task");
        }
        catch (IOException)
        {
            return [];                                        // it has ended
        }
    }

    // Behind the name, which may hold anything, in brackets.
    private static char StateOf(string thread)
    {
        try
        {
            var stat = File.ReadAllText(Path.Combine(thread, "stat"));
            return stat[stat.LastIndexOf(')') + 2];
        }
        catch (IOException)
        {
            return 'X';                                       // it has ended
        }
    }
}
