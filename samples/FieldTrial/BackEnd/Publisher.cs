using Streams.Client;
using Streams.Core;

namespace FieldTrial;

/// <summary>Publishes numbered events of devices to one stream, and tells the ledger what the outbox and later a cluster made of
/// each.</summary>
/// <remarks>One caller at a time, who may have several publishes under way: the outbox takes them in the order in which they were started.
/// A publish that fails leaves the number used and unsent.</remarks>
internal sealed class Publisher(StreamsClient client, StreamPath stream, Ledger ledger, TrialWorld world) : IDisposable
{
    /// <summary>Events of one client whose confirmation is awaited: more than a cluster's absence makes, and a bound for a replay at full
    /// speed.</summary>
    private const int MaxUnconfirmed = 8_192;

    private readonly SemaphoreSlim _unconfirmed = new(MaxUnconfirmed);

    /// <summary>Called on each confirmation, with the device and the cluster in whose lane the event stands.</summary>
    public Action<int, ClusterName>? Confirmed { get; init; }

    /// <summary>Starts to publish one event; the inner task completes when it is in the outbox.</summary>
    public async ValueTask<Task> StartAsync(int device, int number, TopicName topic, ReadOnlyMemory<byte> payload, DateTimeOffset? when,
        CancellationToken cancellationToken)
    {
        await _unconfirmed.WaitAsync(cancellationToken);
        return PublishAsync(device, number, topic, payload, when, cancellationToken);
    }

    public void Dispose() => _unconfirmed.Dispose();

    private async Task PublishAsync(int device, int number, TopicName topic, ReadOnlyMemory<byte> payload, DateTimeOffset? when,
        CancellationToken cancellationToken)
    {
        PublishReceipt receipt;
        try
        {
            receipt = await client.PublishAsync(stream, topic, payload, timestamp: when, cancellationToken: cancellationToken);
        }
        catch
        {
            _unconfirmed.Release();
            throw;
        }

        ledger.Publish(device, number);
        _ = WatchAsync(device, number, receipt);
    }

    private async Task WatchAsync(int device, int number, PublishReceipt receipt)
    {
        try
        {
            StoredEvent stored = await receipt.Stored;
            Confirmed?.Invoke(device, stored.Place.Origin.Cluster);
            if (stored.Stream != stream || stored.Partition != receipt.Partition.Partition)
            {
                string where = $"{stored.Stream}#{stored.Partition}";
                world.Judge.Fail($"{ledger.Name(device, number)} was published to {receipt.Partition} and stored in {where}");
            }

            ledger.Confirm(device, number, world.PlaceOf(stored));
            _unconfirmed.Release();
        }
        catch (OperationCanceledException)
        {
            // The client was closed first; the ledger shows the event as not confirmed.
        }
        catch (Exception fault)
        {
            world.Judge.Fail($"{ledger.Name(device, number)}: its receipt failed: {fault.Message}");
        }
    }
}
