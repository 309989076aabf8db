using Microsoft.Extensions.Logging;

namespace Streams.Cli;

/// <summary>Keeps the client's last warning, to be told when the command cannot go on; with <c>--verbose</c> writes all of its log to
/// standard error.</summary>
internal sealed class LastWarning(TextWriter? verbose) : ILoggerFactory, ILogger
{
    private volatile string? _last;

    /// <summary>The last warning or error, or <see langword="null"/>.</summary>
    public string? Text => _last;

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => this;

    /// <inheritdoc/>
    public void AddProvider(ILoggerProvider provider)
    {
    }

    /// <inheritdoc/>
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    /// <inheritdoc/>
    public bool IsEnabled(LogLevel logLevel) => logLevel >= (verbose is null ? LogLevel.Warning : LogLevel.Debug);

    /// <inheritdoc/>
    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
        Func<TState, Exception?, string> formatter)
    {
        string line = $"{formatter(state, exception)}{(exception is null ? "" : $" ({exception.Message})")}".ReplaceLineEndings(" ");
        if (logLevel >= LogLevel.Warning)
        {
            _last = line;
        }

        if (verbose is not null)
        {
            lock (verbose)
            {
                verbose.WriteLine($"{logLevel}: {line}");
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
