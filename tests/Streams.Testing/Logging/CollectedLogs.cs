using Microsoft.Extensions.Logging;

namespace Streams.Testing;

/// <summary>
/// The last entries that were logged, in order; safe from several threads. Older ones than the limit are dropped and counted.
/// </summary>
public sealed class CollectedLogs
{
    /// <summary>More than any test should need, yet a log storm cannot eat the memory of the test process.</summary>
    public const int MaxEntries = 50_000;

    private readonly Lock _gate = new();
    private readonly Queue<LogEntry> _entries = new();
    private readonly List<LogEntry> _errors = [];
    private long _dropped;
    private long _errorCount;

    public IReadOnlyList<LogEntry> Entries
    {
        get
        {
            lock (_gate)
            {
                return [.. _entries];
            }
        }
    }

    /// <summary>Every entry, one per line, for failure messages.</summary>
    public string Text
    {
        get
        {
            lock (_gate)
            {
                var head = _dropped == 0 ? "" : $"({_dropped} older entries dropped){Environment.NewLine}";
                return head + string.Join(Environment.NewLine, _entries);
            }
        }
    }

    /// <summary>Fails the test, with everything that was logged, if anything was logged as Error or Critical.</summary>
    /// <param name="except">Entries the test provoked on purpose.</param>
    public void AssertNoErrors(Func<LogEntry, bool>? except = null)
    {
        LogEntry[] unexpected;
        long total;
        lock (_gate)
        {
            unexpected = [.. _errors.Where(entry => except is null || !except(entry))];
            total = _errorCount;
        }

        if (unexpected.Length > 0 || total > MaxEntries)
        {
            var first = unexpected.Length > 0 ? unexpected[0].ToString() : "";
            throw new UnexpectedLogException(
                $"{unexpected.Length} unexpected error entries ({total} in all); the first: {first}{Environment.NewLine}Everything logged:"
                + $"{Environment.NewLine}{Text}");
        }
    }

    internal void Add(LogEntry entry)
    {
        lock (_gate)
        {
            if (_entries.Count == MaxEntries)
            {
                _entries.Dequeue();
                _dropped++;
            }

            _entries.Enqueue(entry);
            if (entry.Level >= LogLevel.Error)
            {
                // Kept apart, so that a flood of lesser entries cannot push an error out of sight.
                _errorCount++;
                if (_errors.Count < MaxEntries)
                {
                    _errors.Add(entry);
                }
            }
        }
    }
}

/// <summary>Something was logged that a sound run does not log.</summary>
public sealed class UnexpectedLogException : Exception
{
    public UnexpectedLogException(string message)
        : base(message)
    {
    }
}
