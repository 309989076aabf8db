using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>Reads the configuration again when its file changed, or when it is asked to, and has the agent take what it can. A faulty
/// file is told of, once, and what was in use stays in use.</summary>
internal sealed class ConfigurationKeeper : IAsyncDisposable
{
    /// <summary>How soon a changed file is noticed. It is small and read whole: what file systems tell misses what is renamed into
    /// place.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly string _path;
    private readonly Func<AgentOptions, ValueTask<IReadOnlyList<string>>> _apply;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _asked = new(0, 1);
    private readonly Task _loop;
    private byte[]? _seen;

    /// <summary>Begins to watch the file.</summary>
    /// <param name="path">The file, which was read already.</param>
    /// <param name="apply">Takes other options; gives what counts only after a restart.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where it says what happens.</param>
    public ConfigurationKeeper(string path, Func<AgentOptions, ValueTask<IReadOnlyList<string>>> apply, TimeProvider time, ILogger logger)
    {
        _path = path;
        _apply = apply;
        _time = time;
        _logger = logger;
        _seen = Bytes();
        _loop = Task.Run(RunAsync);
    }

    /// <summary>Reads the file at once, also when it did not change.</summary>
    public void Ask()
    {
        try
        {
            _asked.Release();
        }
        catch (SemaphoreFullException)
        {
            // It is about to.
        }
    }

    /// <summary>Stops watching.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        _stop.Dispose();
        _asked.Dispose();
    }

    private async Task RunAsync()
    {
        using PeriodicTimer timer = new(Interval, _time);
        Task<bool> tick = timer.WaitForNextTickAsync(_stop.Token).AsTask();
        Task asked = _asked.WaitAsync(_stop.Token);
        while (!_stop.IsCancellationRequested)
        {
            await Task.WhenAny(tick, asked).ConfigureAwait(false);
            if (_stop.IsCancellationRequested)
            {
                break;
            }

            await LookAsync(asked.IsCompleted).ConfigureAwait(false);
            tick = tick.IsCompleted ? timer.WaitForNextTickAsync(_stop.Token).AsTask() : tick;
            asked = asked.IsCompleted ? _asked.WaitAsync(_stop.Token) : asked;
        }
    }

    private async Task LookAsync(bool isAsked)
    {
        byte[]? bytes = Bytes();
        if (!isAsked && (bytes is null || bytes.AsSpan().SequenceEqual(_seen)))
        {
            return;
        }

        _seen = bytes;
        try
        {
            AgentOptions next = AgentConfiguration.Load(_path, _time.GetUtcNow());
            IReadOnlyList<string> parts = await _apply(next).ConfigureAwait(false);
            AgentLog.Reloaded(_logger, next.Access.Users.Count, next.Access.Rules?.Length ?? 0, next.Routes.Length);
            if (parts.Count > 0)
            {
                AgentLog.NeedsRestart(_logger, string.Join(", ", parts));
            }
        }
        catch (ConfigurationException fault)
        {
            AgentLog.NotReloaded(_logger, fault.Message.Replace("\n", "; ", StringComparison.Ordinal));
        }
        catch (Exception fault)
        {
            AgentLog.NotReloaded(_logger, fault.Message.ReplaceLineEndings(" "));
        }
    }

    // A file that is away for a moment is being replaced.
    private byte[]? Bytes()
    {
        try
        {
            return File.ReadAllBytes(_path);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
