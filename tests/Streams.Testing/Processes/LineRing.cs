namespace Streams.Testing;

/// <summary>The last lines a child process wrote, both outputs in order of arrival. Safe from several threads.</summary>
internal sealed class LineRing
{
    /// <summary>Enough to understand a failure; a child that floods its output cannot eat the test process.</summary>
    private const int MaxLines = 20_000;

    private readonly Lock _gate = new();
    private readonly Queue<string> _lines = new();
    private long _dropped;

    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_gate)
            {
                return [.. _lines];
            }
        }
    }

    public void Add(string line)
    {
        lock (_gate)
        {
            if (_lines.Count == MaxLines)
            {
                _lines.Dequeue();
                _dropped++;
            }

            _lines.Enqueue(line);
        }
    }

    public string? FirstOrDefault(Func<string, bool> predicate)
    {
        lock (_gate)
        {
            return _lines.FirstOrDefault(predicate);
        }
    }

    /// <summary>The tail, for failure messages.</summary>
    public string Tail(int count = 200)
    {
        lock (_gate)
        {
            var skipped = _dropped + Math.Max(0, _lines.Count - count);
            var head = skipped == 0 ? "" : $"({skipped} earlier lines not shown){Environment.NewLine}";
            return head + string.Join(Environment.NewLine, _lines.TakeLast(count));
        }
    }
}
