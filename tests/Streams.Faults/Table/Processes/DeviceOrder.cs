using System.Text.Json;
using Streams.Client;

namespace Streams.Faults;

/// <summary>What a process of the fault table is to do: a device that publishes numbered events, or a back end that reads them. Handed to
/// it as its second argument.</summary>
internal sealed record DeviceOrder
{
    /// <summary>Name of the client; events say <c>NAME NUMBER</c>.</summary>
    public required string Name { get; init; }

    public required string Outbox { get; init; }

    public required string Stream { get; init; }

    /// <summary><c>NAME=HOST:PORT</c>, the preferred first.</summary>
    public required IReadOnlyList<string> Clusters { get; init; }

    /// <summary>Number of the first event.</summary>
    public int First { get; init; } = 1;

    /// <summary>Publishes that are begun before one of them is waited for.</summary>
    public int Burst { get; init; } = 4;

    /// <summary>Bytes of a payload at least.</summary>
    public int PayloadBytes { get; init; } = 100;

    /// <summary>More events than this without an acknowledgement make it wait.</summary>
    public int MaxUnconfirmed { get; init; } = 400;

    public long OutboxBytes { get; init; } = 64L << 20;

    /// <summary>What a full outbox does; <see langword="null"/> is no rule.</summary>
    public OutboxPolicy? Policy { get; init; }

    /// <summary>Seconds an event may wait unsent; <see langword="null"/> is for ever.</summary>
    public double? TimeToLive { get; init; }

    /// <summary>Seconds by which the wall clock of the process is wrong from the start.</summary>
    public double ClockOff { get; init; }

    /// <summary>Chance of this life: another one in each, for the epoch is drawn from it.</summary>
    public int Seed { get; init; } = 1;

    public string ToArgument() => JsonSerializer.Serialize(this);

    public static DeviceOrder FromArgument(string text) => JsonSerializer.Deserialize<DeviceOrder>(text)!;

    /// <summary>Impatient options: faults are noticed within two seconds, and the client stays where it went.</summary>
    public StreamsClientOptions ToOptions() => new()
    {
        Name = Name,
        Clusters = [.. Clusters.Select(ClusterEndpoint.Parse)],
        OutboxPath = Outbox,
        OutboxBytes = OutboxBytes,
        OutboxRules = Policy is { } policy
            ? [new OutboxRule("#", policy) { TimeToLive = TimeToLive is { } s ? TimeSpan.FromSeconds(s) : null }]
            : TimeToLive is { } t ? [new OutboxRule("#", OutboxPolicy.Block) { TimeToLive = TimeSpan.FromSeconds(t) }] : [],
        AnswerTimeout = TimeSpan.FromSeconds(2),
        KeepAlive = TimeSpan.FromSeconds(1),
        ConnectBackoff = (TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(250)),
        StableAfter = TimeSpan.FromSeconds(1),
        FailBackAfter = Timeout.InfiniteTimeSpan,
        Linger = TimeSpan.FromMilliseconds(1),
        Patience = TimeSpan.FromMinutes(2),
    };
}
