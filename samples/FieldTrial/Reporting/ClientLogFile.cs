using Microsoft.Extensions.Logging;

namespace FieldTrial;

/// <summary>What the clients have to say, line by line in one file; <c>--keep</c> keeps it. Safe for many threads.</summary>
internal sealed class ClientLogFile(string path, TimeProvider time) : IDisposable
{
    private readonly StreamWriter _file = new(path) { AutoFlush = true };

    /// <summary>A factory for one client, whose name stands in each of its lines.</summary>
    public ILoggerFactory For(string client) => new OneClient(this, client);

    public void Dispose()
    {
        lock (_file)
        {
            _file.Dispose();
        }
    }

    private DateTimeOffset Now => time.GetUtcNow();

    private void Write(string line)
    {
        lock (_file)
        {
            if (_file.BaseStream?.CanWrite == true)
            {
                _file.WriteLine(line);
            }
        }
    }

    private sealed class OneClient(ClientLogFile file, string client) : ILoggerFactory
    {
        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("there is one file");

        public ILogger CreateLogger(string categoryName) => new Lines(file, client);

        public void Dispose()
        {
        }
    }

    private sealed class Lines(ClientLogFile file, string client) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                file.Write($"{file.Now:HH:mm:ss.fff} {logLevel} {client} {eventId.Id}: {formatter(state, exception)}{Fault(exception)}");
            }
        }

        private static string Fault(Exception? exception) => exception is null ? string.Empty : $" {exception}";
    }
}
