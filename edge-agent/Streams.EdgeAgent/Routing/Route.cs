using Streams.Client;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>What is done with the events of some topics that devices publish. It counts for an event as it was when the event was
/// stored.</summary>
/// <param name="Filter">Which topics: an MQTT filter on whole topics, as devices name them. The first route that matches counts.</param>
internal sealed record Route(string Filter)
{
    /// <summary>The priority of a route that names none.</summary>
    public const int DefaultPriority = 5;

    /// <summary>The last priority; 0 is the first.</summary>
    public const int LastPriority = 9;

    /// <summary>The least <see cref="MaxBytes"/>.</summary>
    public const long LeastBytes = 64 << 10;

    /// <summary>What metrics and the status call it; the filter where none is said.</summary>
    public string Name { get; init; } = Filter;

    /// <summary>The stream at the cluster; <see langword="null"/> (the default) the one that the topic names. Here the event is in the
    /// topic's stream in any case.</summary>
    public StreamPath? Stream { get; init; }

    /// <summary>0 goes first, 9 last. Order is kept among events of one device and priority.</summary>
    public int Priority { get; init; } = DefaultPriority;

    /// <summary>How long an event may wait to go up, 1 s to 10 years; <see langword="null"/> (the default) for ever.</summary>
    public TimeSpan? TimeToLive { get; init; }

    /// <summary>Most bytes that wait to go up; <see langword="null"/> (the default) as many as the store takes.</summary>
    public long? MaxBytes { get; init; }

    /// <summary>What happens to an event that finds them full.</summary>
    public OutboxPolicy Policy { get; init; }

    /// <summary>Of so many events of a topic one goes up; 1 (the default) all.</summary>
    public int Every { get; init; } = 1;

    /// <summary>The least time between two events of a topic that go up; zero (the default) all go up.</summary>
    public TimeSpan Interval { get; init; }

    /// <summary>Whether its events never go up.</summary>
    public bool IsLocal { get; init; }

    /// <summary>Whether not each event of a topic goes up.</summary>
    public bool Samples => Every > 1 || Interval > TimeSpan.Zero;

    /// <summary>What counts for events that are stored already. Routes that say the same here are one in the store.</summary>
    public string Decided => string.Create(System.Globalization.CultureInfo.InvariantCulture,
        $"{Priority}\n{(long)(TimeToLive?.TotalMilliseconds ?? 0)}\n{(int)Policy}\n{Stream?.Value}\n{Name}");

    /// <summary>Reads what <see cref="Decided"/> wrote; <see langword="null"/> when it makes no sense.</summary>
    public static Route? Parse(string decided)
    {
        string[] parts = decided.Split('\n', 5);
        return parts.Length == 5 && int.TryParse(parts[0], out int priority) && priority is >= 0 and <= LastPriority
            && long.TryParse(parts[1], out long life) && int.TryParse(parts[2], out int policy)
            && (StreamPath.TryParse(parts[3], out StreamPath stream, out _) || parts[3].Length == 0)
            ? new Route("#")
            {
                Name = parts[4],
                Stream = parts[3].Length == 0 ? null : stream,
                Priority = priority,
                TimeToLive = life == 0 ? null : TimeSpan.FromMilliseconds(life),
                Policy = (OutboxPolicy)policy,
            }
            : null;
    }
}
