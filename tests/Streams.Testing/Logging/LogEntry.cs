using Microsoft.Extensions.Logging;

namespace Streams.Testing;

/// <summary>One line some component logged during a test.</summary>
public sealed record LogEntry(LogLevel Level, string Category, EventId EventId, string Message, Exception? Exception)
{
    public override string ToString()
        => $"{Level} {Category} [{EventId.Id} {EventId.Name}] {Message}{(Exception is null ? "" : Environment.NewLine + Exception)}";
}
