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
    DateTimeOffset? OldestEvent);
