using Streams.Core;

namespace Streams.Client;

/// <summary>How a client is doing, at one moment.</summary>
/// <param name="ConnectedTo">The cluster now connected, or <see langword="null"/>.</param>
/// <param name="DisconnectedFor">For how long no cluster has been connected, by a clock that only runs forward; zero while one is.</param>
/// <param name="OutboxEvents">Events that no cluster has confirmed yet.</param>
/// <param name="OutboxBytes">Bytes that they count.</param>
/// <param name="OutboxLimit">How many may wait: <see cref="StreamsClientOptions.OutboxBytes"/>.</param>
/// <param name="OldestEvent">Timestamp of the oldest that waits, or <see langword="null"/> when none does. By the clock of whoever
/// published: it is no measure where that was wrong.</param>
public sealed record ClientStatus(ClusterName? ConnectedTo, TimeSpan DisconnectedFor, long OutboxEvents, long OutboxBytes, long OutboxLimit,
    DateTimeOffset? OldestEvent)
{
    /// <summary>The same by outbox, the most urgent first: one, unless there are <see cref="StreamsClientOptions.Classes"/> or a backlog
    /// that is passed.</summary>
    public IReadOnlyList<ClassStatus> Classes { get; init; } = [];
}

/// <summary>How one of a client's outboxes is doing.</summary>
/// <param name="Class">The class, or <see langword="null"/>: that of all events that no class claims.</param>
/// <param name="IsPassing">Whether it holds what passes a backlog (<see cref="DrainOrder.LiveFirst"/>).</param>
/// <param name="Path">Its file.</param>
/// <param name="OutboxEvents">Events that no cluster has confirmed yet.</param>
/// <param name="OutboxBytes">Bytes that they count.</param>
/// <param name="OutboxLimit">How many may wait.</param>
public sealed record ClassStatus(string? Class, bool IsPassing, string Path, long OutboxEvents, long OutboxBytes, long OutboxLimit);
