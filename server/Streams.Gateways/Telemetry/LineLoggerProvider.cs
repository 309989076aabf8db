using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Streams.Gateways;

/// <summary>Writes one line per log entry to the standard output, from a task of its own: who logs never waits for the output. When more
/// than
/// <see cref="MaxWaiting"/> lines wait, further ones are dropped and their number is logged.</summary>
public sealed class LineLoggerProvider : ILoggerProvider, ILoggerFactory
{
    /// <summary>A few megabytes at most; more only waits when nobody reads the output.</summary>
    public const int MaxWaiting = 8192;

    private readonly LogLevels _levels;
    private readonly TimeProvider _time;
    private readonly TextWriter _output;
    private readonly Channel<string> _lines;
    private readonly ConcurrentDictionary<string, LineLogger> _loggers = new(StringComparer.Ordinal);
    private readonly Task _writing;
    private long _dropped;

    /// <summary>Begins to write.</summary>
    public LineLoggerProvider(LogLevels levels, TimeProvider time, TextWriter output)
    {
        _levels = levels;
        _time = time;
        _output = output;
        _lines = Channel.CreateBounded<string>(
            new BoundedChannelOptions(MaxWaiting) { SingleReader = true, FullMode = BoundedChannelFullMode.DropWrite },
            _ => Interlocked.Increment(ref _dropped));
        _writing = Task.Run(WriteAsync);
    }

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) =>
        _loggers.GetOrAdd(categoryName, name => new LineLogger(name, _levels.Of(name), _time, Write));

    /// <summary>Not supported: this factory writes lines only.</summary>
    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("this factory writes lines only");

    /// <summary>Writes a line of the program itself, as it is.</summary>
    public void Write(string line) => _lines.Writer.TryWrite(line);

    /// <summary>Writes what waits and ends.</summary>
    public void Dispose()
    {
        _lines.Writer.TryComplete();
        _writing.Wait(TimeSpan.FromSeconds(2));
    }

    private async Task WriteAsync()
    {
        try
        {
            while (await _lines.Reader.WaitToReadAsync().ConfigureAwait(false))
            {
                while (_lines.Reader.TryRead(out string? line))
                {
                    await _output.WriteLineAsync(line).ConfigureAwait(false);
                }

                if (Interlocked.Exchange(ref _dropped, 0) is var dropped and > 0)
                {
                    await _output.WriteLineAsync($"{dropped} log lines were dropped: the output was not read fast enough")
                        .ConfigureAwait(false);
                }

                await _output.FlushAsync().ConfigureAwait(false);
            }
        }
        catch (IOException)
        {
            // The reader of the output is gone; the server serves on without one.
            await foreach (string _ in _lines.Reader.ReadAllAsync().ConfigureAwait(false))
            {
            }
        }
    }
}

/// <summary>Makes lines: <c>2026-03-01T12:00:00.000Z info  Geo 3001 text</c>.</summary>
internal sealed class LineLogger(string category, LogLevel lowest, TimeProvider time, Action<string> write) : ILogger
{
    private readonly string _category = category.StartsWith("Streams.", StringComparison.Ordinal)
        ? category["Streams.".Length..]
        : category;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= lowest && logLevel != LogLevel.None;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
        {
            return;
        }

        string text = formatter(state, exception);
        string fault = exception is null ? string.Empty : $" ({Describe(exception)})";
        DateTime now = time.GetUtcNow().UtcDateTime;
        string line = $"{now:yyyy-MM-dd'T'HH:mm:ss.fff'Z'} {Word(logLevel)} {_category} {eventId.Id} {text}{fault}";
        write(line.ReplaceLineEndings(" | "));
    }

    // The stack is for whoever asked for debug; the chain of causes is for everybody.
    private string Describe(Exception exception)
    {
        if (lowest <= LogLevel.Debug)
        {
            return exception.ToString();
        }

        string text = $"{exception.GetType().Name}: {exception.Message}";
        for (Exception? cause = exception.InnerException; cause is not null; cause = cause.InnerException)
        {
            text += $" <- {cause.GetType().Name}: {cause.Message}";
        }

        return text;
    }

    private static string Word(LogLevel level) => level switch
    {
        LogLevel.Trace => "trace",
        LogLevel.Debug => "debug",
        LogLevel.Information => "info ",
        LogLevel.Warning => "warn ",
        LogLevel.Error => "error",
        _ => "fatal",
    };
}
