using Streams.Core;

namespace Streams.Client;

/// <summary>Where an event stands in a cluster: the same in every cluster, for ever.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Partition">The partition.</param>
/// <param name="Place">The lane and the offset in it.</param>
public readonly record struct StoredEvent(StreamPath Stream, PartitionId Partition, EventPlace Place);

/// <summary>An event is durable on this device; <see cref="Stored"/> tells when a cluster has it.</summary>
/// <param name="Identity">Identity of the event in its partition.</param>
/// <param name="Partition">The partition it belongs to.</param>
/// <param name="Stored">Completes when a cluster holds it, flushed. Survives any number of reconnects and failovers; is cancelled when
/// the client is disposed
/// first (the event itself stays in the outbox and is sent at the next opening).</param>
public readonly record struct PublishReceipt(EventIdentity Identity, StreamPartition Partition, Task<StoredEvent> Stored);
