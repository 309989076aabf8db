using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>Where what this agent sends goes on to: the names from the one above it to the last that is known. An agent that finds itself
/// there is in a ring.</summary>
/// <remarks>Safe for use by many threads. What was known last stays until another one is connected: while two agents look for each other
/// at once, each is on the path of the other.</remarks>
internal sealed class UpPath(ClusterName own)
{
    private const int MaxNames = 32;                 // a chain has four or five

    private volatile string[] _above = [];
    private volatile string? _loop;

    /// <summary>Called when the path or the loop is another one than before.</summary>
    public Action? Changed { get; set; }

    /// <summary>As agents below are told it: this agent and what is above it.</summary>
    public string Text => string.Join(' ', [own.Value, .. _above]);

    /// <summary>The ring that was met last, in the order in which events would go round, or <see langword="null"/> since an uplink was
    /// found that leads into none.</summary>
    public string? Loop => _loop;

    /// <summary>Another one is connected, or tells of another path.</summary>
    /// <param name="cluster">What it is called here.</param>
    /// <param name="path">What it told: <see langword="null"/> where it is a cluster, where paths end.</param>
    /// <returns>Whether something may be sent there; not when it would come back.</returns>
    public bool Take(ClusterName cluster, string? path)
    {
        string[] names = path is null ? [cluster.Value] : [.. path.Split(' ', StringSplitOptions.RemoveEmptyEntries).Take(MaxNames)];
        int at = Array.IndexOf(names, own.Value);
        string? loop = at < 0 ? null : string.Join(" > ", [own.Value, .. names.AsSpan(0, at + 1)]);
        bool isNews = loop != _loop || (loop is null && !names.AsSpan().SequenceEqual(_above));
        _loop = loop;
        if (loop is null)
        {
            _above = names;
        }

        if (isNews)
        {
            Changed?.Invoke();
        }

        return loop is null;
    }
}
