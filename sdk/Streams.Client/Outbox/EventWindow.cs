using Streams.Core;

namespace Streams.Client;

/// <summary>Reads waiting events for sending, on a connection of its own: the writer is not held up. Used by the sender alone.</summary>
internal sealed class EventWindow : IDisposable
{
    private const int MostProbes = 10_000;

    private readonly OutboxDatabase _database;
    private readonly Statement _select;
    private readonly Statement _probe;
    private readonly RowOpener? _opener;

    /// <summary>Opens the file for reading.</summary>
    /// <param name="path">The file.</param>
    /// <param name="keys">The keys that rows may be sealed under, or <see langword="null"/> when none is.</param>
    public EventWindow(string path, SealKeys? keys = null)
    {
        _opener = keys is null ? null : new RowOpener(keys);
        _database = new OutboxDatabase(path, writable: false);
        _select = _database.Prepare($"SELECT id, epoch, at, topic, key, headers, payload, crc{(keys is null ? "" : ", seal")} FROM events"
            + " WHERE id BETWEEN ? AND ? ORDER BY id");
        _probe = _database.Prepare("SELECT payload FROM events WHERE id=?");
    }

    /// <summary>Puts events from <paramref name="first"/> on into an empty builder, as many as <paramref name="maxBytes"/> hold, at
    /// least one; gives the last.</summary>
    /// <param name="partition">Row id of the partition.</param>
    /// <param name="first">The first event.</param>
    /// <param name="last">Sequence of the last one wanted.</param>
    /// <param name="maxBytes">Most bytes of the batch; an event that alone is greater makes a batch of one.</param>
    /// <param name="builder">Gets them.</param>
    /// <param name="oneTopic">Whether all of them have the same topic.</param>
    /// <exception cref="UnreadableEventException">The first of them is damaged or missing.</exception>
    /// <exception cref="StorageFailedException">The disk refused, or the file says another epoch.</exception>
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
                UnreadableEventException? fault = FaultOf(first.Epoch, next);
                OpenedRow content = new(_select.Blob(4), _select.Blob(5), _select.Blob(6));
                if (fault is null && _opener is not null && !_select.IsNull(8)
                    && !_opener.TryOpen(_select.Long(8), _select.Long(2), _select.Blob(3), content.Payload, out content))
                {
                    fault = new UnreadableEventException(next, next, KeptTime.IsWithin(_select.Long(2)) ? _select.Long(2) : null,
                        isPage: false, "it is not what was sealed");
                }

                if (fault is not null && builder.Count > 0)
                {
                    break;                                     // what is before it goes first
                }

                if (fault is not null)
                {
                    throw fault;
                }

                int limit = builder.Count == 0 ? EventLimits.MaxBatchBytes : maxBytes;
                if (!builder.TryAdd(_select.Blob(3), content.Key, content.Headers, content.Payload, _select.Long(2), limit))
                {
                    break;
                }

                uint hash = Crc32C.Compute(_select.Blob(3));
                oneTopic &= next == first.Sequence || hash == topic;
                topic = hash;
                next++;
            }
        }
        catch (DamagedOutboxException e) when (builder.Count == 0)
        {
            throw new UnreadableEventException(next, LastUnreadable(partition, next, last), null, isPage: true, e.Message);
        }
        catch (DamagedOutboxException)
        {
            // What was read before it goes first.
        }
        finally
        {
            _select.Reset();
        }

        return next > first.Sequence ? next - 1
            : throw new UnreadableEventException(next, last, null, isPage: false, "it is missing in the file");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _opener?.Dispose();
        _select.Dispose();
        _probe.Dispose();
        _database.Dispose();
    }

    private UnreadableEventException? FaultOf(ulong epoch, long expected)
    {
        long id = _select.Long(0);
        if (OutboxDatabase.SequenceOf(id) is var sequence && sequence != expected)
        {
            return new UnreadableEventException(expected, sequence - 1, null, isPage: false, "it is missing in the file");
        }

        long seal = _opener is null || _select.IsNull(8) ? 0 : RowCheck.Seal(_select.Long(8));
        if (!_select.IsNull(7) && _select.Long(7) != (RowCheck.Of(id, unchecked((ulong)_select.Long(1)), _select.Long(2), _select.Blob(3),
            _select.Blob(4), _select.Blob(5), _select.Blob(6)) ^ seal))
        {
            long at = _select.Long(2);
            return new UnreadableEventException(expected, expected, KeptTime.IsWithin(at) ? at : null, isPage: false,
                "its row does not match its checksum");
        }

        return unchecked((ulong)_select.Long(1)) == epoch ? null
            : throw new StorageFailedException($"outbox: event {expected} of epoch {epoch:x16} is missing");
    }

    // A page that is damaged holds some events; those behind it are on other pages.
    private long LastUnreadable(long partition, long first, long last)
    {
        last = Math.Min(last, first + MostProbes);
        for (long sequence = first + 1; sequence <= last; sequence++)
        {
            try
            {
                if (_probe.Bind(1, OutboxDatabase.EventId(partition, sequence)).Step())
                {
                    return sequence - 1;
                }
            }
            catch (DamagedOutboxException)
            {
                // Of the same page, or of another damaged one.
            }
            finally
            {
                _probe.Reset();
            }
        }

        return last;
    }
}
