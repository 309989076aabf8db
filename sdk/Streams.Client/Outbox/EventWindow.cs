using Streams.Core;

namespace Streams.Client;

/// <summary>Reads waiting events for sending, on a connection of its own: the writer is not held up. Used by the sender alone.</summary>
internal sealed class EventWindow : IDisposable
{
    private readonly OutboxDatabase _database;
    private readonly Statement _select;

    /// <summary>Opens the file for reading.</summary>
    public EventWindow(string path)
    {
        _database = new OutboxDatabase(path, writable: false);
        _select = _database.Prepare("SELECT id, epoch, at, topic, key, headers, payload FROM events WHERE id BETWEEN ? AND ? ORDER BY id");
    }

    /// <summary>Puts events from <paramref name="first"/> on into an empty builder, as many as <paramref name="maxBytes"/> hold, at
    /// least one; gives the last.</summary>
    /// <param name="partition">Row id of the partition.</param>
    /// <param name="first">The first event.</param>
    /// <param name="last">Sequence of the last one wanted.</param>
    /// <param name="maxBytes">Most bytes of the batch; an event that alone is greater makes a batch of one.</param>
    /// <param name="builder">Gets them.</param>
    /// <param name="oneTopic">Whether all of them have the same topic.</param>
    /// <exception cref="StorageFailedException">The file does not hold what it must.</exception>
    public long Read(long partition, EventIdentity first, long last, int maxBytes, EventBatchBuilder builder, out bool oneTopic)
    {
        long next = first.Sequence;
        uint topic = 0;
        oneTopic = true;
        _select.Bind(1, OutboxDatabase.EventId(partition, first.Sequence)).Bind(2, OutboxDatabase.EventId(partition, last));
        try
        {
            while (_select.Step())
            {
                if (OutboxDatabase.SequenceOf(_select.Long(0)) != next || unchecked((ulong)_select.Long(1)) != first.Epoch)
                {
                    throw new StorageFailedException($"outbox: event {next} of epoch {first.Epoch:x16} is missing");
                }

                int limit = builder.Count == 0 ? EventLimits.MaxBatchBytes : maxBytes;
                if (!builder.TryAdd(_select.Blob(3), _select.Blob(4), _select.Blob(5), _select.Blob(6), _select.Long(2), limit))
                {
                    break;
                }

                uint hash = Crc32C.Compute(_select.Blob(3));
                oneTopic &= next == first.Sequence || hash == topic;
                topic = hash;
                next++;
            }
        }
        finally
        {
            _select.Reset();
        }

        return next > first.Sequence ? next - 1 : throw new StorageFailedException(
            $"outbox: event {next} of epoch {first.Epoch:x16} is missing");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _select.Dispose();
        _database.Dispose();
    }
}
