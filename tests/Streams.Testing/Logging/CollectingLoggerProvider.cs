using Microsoft.Extensions.Logging;

namespace Streams.Testing;

/// <summary>One collection for all loggers of a test: serves as provider in a host and as factory without one.</summary>
public sealed class CollectingLoggerProvider : ILoggerProvider, ILoggerFactory
{
    public CollectedLogs Logs { get; } = new();

    public CollectingLogger CreateLogger(string categoryName) => new(categoryName, Logs);

    public CollectingLogger<T> CreateLogger<T>() => new(Logs);

    ILogger ILoggerProvider.CreateLogger(string categoryName) => CreateLogger(categoryName);

    ILogger ILoggerFactory.CreateLogger(string categoryName) => CreateLogger(categoryName);

    public void AddProvider(ILoggerProvider provider)
        => throw new NotSupportedException("This factory logs into its own collection only.");

    public void AssertNoErrors(Func<LogEntry, bool>? except = null) => Logs.AssertNoErrors(except);

    /// <summary>Nothing to free: the entries stay readable after the host is gone.</summary>
    public void Dispose()
    {
    }
}
