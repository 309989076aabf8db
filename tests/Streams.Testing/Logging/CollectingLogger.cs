using Microsoft.Extensions.Logging;

namespace Streams.Testing;

/// <summary>Logs into a <see cref="CollectedLogs"/>; every level is enabled, so that disabled log code cannot hide a fault.</summary>
public class CollectingLogger : ILogger
{
    private readonly string _category;

    public CollectingLogger(string category = "Test", CollectedLogs? logs = null)
    {
        _category = category;
        Logs = logs ?? new CollectedLogs();
    }

    public CollectedLogs Logs { get; }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        ArgumentNullException.ThrowIfNull(formatter);
        if (IsEnabled(logLevel))
        {
            Logs.Add(new LogEntry(logLevel, _category, eventId, formatter(state, exception), exception));
        }
    }

    public void AssertNoErrors(Func<LogEntry, bool>? except = null) => Logs.AssertNoErrors(except);
}

/// <summary>The same for a constructor that asks for a typed logger.</summary>
public sealed class CollectingLogger<T> : CollectingLogger, ILogger<T>
{
    public CollectingLogger(CollectedLogs? logs = null)
        : base(typeof(T).Name, logs)
    {
    }
}
