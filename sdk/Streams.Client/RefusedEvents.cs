using System.Runtime.CompilerServices;
using Streams.Core;

namespace Streams.Client;

/// <summary>The events of an outbox that clusters refused for good: to be looked at, published again, or given up. They stay, and count
/// against <see cref="StreamsClientOptions.OutboxBytes"/> on disk, until one of the two is done. Safe for use by many threads.</summary>
public sealed class RefusedEvents
{
    private const int EventsAtOnce = 64;
    private const long BytesAtOnce = 1 << 20;
    private const int OutboxShift = 59;

    private readonly Lock _lock = new();
    private readonly HashSet<long> _underWay = [];             // of two retries of one event only one may publish it
    private readonly EventOutbox[] _outboxes;

    internal RefusedEvents(EventOutbox[] outboxes) => _outboxes = outboxes;

    /// <summary>All of them, by outbox, by partition and in the order they were published. Those that come meanwhile may be
    /// among them.</summary>
    /// <exception cref="StorageFailedException">The device's disk refused.</exception>
    public async IAsyncEnumerable<RefusedEvent> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        for (int i = 0; i < _outboxes.Length; i++)
        {
            int number = i;
            long behind = long.MinValue;
            bool more = true;
            while (more)
            {
                long from = behind;
                (List<RefusedEvent> some, long last, more) = await _outboxes[i].RunAsync(
                    transaction => ReadSome(transaction.Database, number, from), cancellationToken).ConfigureAwait(false);
                foreach (RefusedEvent refused in some)
                {
                    yield return refused;
                }

                behind = last;
            }
        }
    }

    /// <summary>Publishes a refused event once more, as a new event behind all that its partition has had, with the same topic, key,
    /// headers, payload and time. In one transaction it leaves the refused ones: it is never in both, nor in neither.</summary>
    /// <returns>The receipt, when it is durable on this device; <see langword="null"/> when no such event is refused, or another call is
    /// just dealing with it.</returns>
    /// <exception cref="InvalidRequestException">Its bytes cannot be an event, or are damaged.</exception>
    /// <exception cref="StorageFailedException">The device's disk refused.</exception>
    public async Task<PublishReceipt?> RetryAsync(long id, CancellationToken cancellationToken = default)
    {
        if (OutboxOf(id) is not { } outbox || !TryBegin(id))
        {
            return null;
        }

        try
        {
            long row = RowOf(id);
            if (await FindAsync(outbox, row, cancellationToken).ConfigureAwait(false) is not { } refused)
            {
                return null;
            }

            if (refused.IsDamaged)
            {
                throw new InvalidRequestException($"event {id} cannot be published again: its row does not match its checksum");
            }

            if (KeptEvent.FaultOf(refused.Content.Topic, refused.Content.Key.Length, refused.Content.Headers,
                refused.Content.Payload.Length) is { } fault)
            {
                throw new InvalidRequestException($"event {id} cannot be published again: {fault}");
            }

            return await outbox.PublishAsync(refused.Stream, refused.Content, transaction => Delete(transaction, row), cancellationToken)
                .ConfigureAwait(false);
        }
        finally
        {
            End(id);
        }
    }

    /// <summary>Gives a refused event up: it is deleted for good.</summary>
    /// <returns>Whether there was such an event, and no other call is just dealing with it.</returns>
    /// <exception cref="StorageFailedException">The device's disk refused.</exception>
    public async Task<bool> DiscardAsync(long id, CancellationToken cancellationToken = default)
    {
        if (OutboxOf(id) is not { } outbox || !TryBegin(id))
        {
            return false;
        }

        try
        {
            return await outbox.RunAsync(transaction => Delete(transaction, RowOf(id)), cancellationToken)
                .ConfigureAwait(false);
        }
        finally
        {
            End(id);
        }
    }

    // A row id has the number of its partition above 44 bits; the outbox stands above both. The first one's ids are its row ids.
    private static long IdOf(int outbox, long row) => ((long)outbox << OutboxShift) | row;

    private static long RowOf(long id) => id & ((1L << OutboxShift) - 1);

    private EventOutbox? OutboxOf(long id) => id >>> OutboxShift is var number && number < _outboxes.Length
        ? _outboxes[number] : null;

    private bool TryBegin(long id)
    {
        lock (_lock)
        {
            return _underWay.Add(id);
        }
    }

    private void End(long id)
    {
        lock (_lock)
        {
            _underWay.Remove(id);
        }
    }

    private static bool Delete(OutboxTransaction transaction, long id)
    {
        using Statement delete = transaction.Database.Prepare("DELETE FROM refused WHERE id=?");
        delete.Bind(1, id).Run();
        return transaction.Database.Scalar("SELECT changes()") > 0;
    }

    private static Task<(StreamPath Stream, PlainEvent Content, bool IsDamaged)?> FindAsync(EventOutbox outbox, long id,
        CancellationToken cancellationToken) => outbox.RunAsync<(StreamPath, PlainEvent, bool)?>(transaction =>
        {
            using Statement select = transaction.Database.Prepare("SELECT stream, at, topic, key, headers, payload, epoch, crc,"
                + " seal FROM refused"
                + $" JOIN partitions ON partitions.id = refused.id >> {OutboxDatabase.SequenceBits} WHERE refused.id=?");
            if (!select.Bind(1, id).Step())
            {
                return null;
            }

            long? seal = select.IsNull(8) ? null : select.Long(8);
            bool isSound = select.IsNull(7) || select.Long(7) == (RowCheck.Of(id, unchecked((ulong)select.Long(6)), select.Long(1),
                select.Blob(2), select.Blob(3), select.Blob(4), select.Blob(5)) ^ RowCheck.Seal(seal));
            isSound &= TryContent(outbox, seal, select.Long(1), new PlainEvent(select.Blob(2).ToArray(), select.Blob(3).ToArray(),
                select.Blob(4).ToArray(), select.Blob(5).ToArray(), select.Long(1)), out PlainEvent content);
            return (StreamPath.Parse(select.Text(0)), content, !isSound);
        }, cancellationToken);

    private (List<RefusedEvent> Some, long Last, bool More) ReadSome(OutboxDatabase database, int outbox, long behind)
    {
        List<RefusedEvent> some = [];
        long bytes = 0;
        using Statement select = database.Prepare("SELECT refused.id, epoch, at, topic, key, headers, payload, reason, stream, partition,"
            + $" seal FROM refused JOIN partitions ON partitions.id = refused.id >> {OutboxDatabase.SequenceBits} WHERE refused.id>?"
            + " ORDER BY refused.id");
        select.Bind(1, behind);
        while (select.Step())
        {
            behind = select.Long(0);
            some.Add(Read(select, outbox));
            bytes += some[^1].Payload.Length;
            if (some.Count == EventsAtOnce || bytes >= BytesAtOnce)
            {
                return (some, behind, true);
            }
        }

        return (some, behind, false);
    }

    private RefusedEvent Read(Statement row, int outbox)
    {
        byte[] topic = row.Blob(3).ToArray();
        bool opens = TryContent(_outboxes[outbox], row.IsNull(10) ? null : row.Long(10), row.Long(2), new PlainEvent(topic,
            row.Blob(4).ToArray(), row.Blob(5).ToArray(), row.Blob(6).ToArray(), row.Long(2)), out PlainEvent content);
        return new RefusedEvent
        {
            Id = IdOf(outbox, row.Long(0)),
            Partition = new StreamPartition(StreamPath.Parse(row.Text(8)), new PartitionId((int)row.Long(9))),
            Identity = new EventIdentity(_outboxes[outbox].Producer, unchecked((ulong)row.Long(1)), OutboxDatabase.SequenceOf(row.Long(0))),
            Topic = TopicName.IsValid(topic) ? TopicName.FromValidated(topic) : default,
            Key = content.Key,
            Headers = EventHeader.TryDecode(content.Headers, out IReadOnlyList<EventHeader> headers) ? headers : [],
            Payload = content.Payload,
            Timestamp = KeptTime.Of(row.Long(2)),
            Reason = opens ? row.Text(7) : $"{row.Text(7)} (its content is not what was sealed)",
        };
    }

    // What is sealed is opened; what cannot be is shown without content.
    private static bool TryContent(EventOutbox outbox, long? seal, long at, PlainEvent stored, out PlainEvent content)
    {
        content = stored;
        if (seal is null)
        {
            return true;
        }

        using RowOpener? opener = outbox.Keys is { } keys ? new RowOpener(keys) : null;
        OpenedRow opened = default;
        bool opens = opener?.TryOpen(seal.Value, at, stored.Topic.Span, stored.Payload.Span, out opened) == true;
        content = new PlainEvent(stored.Topic, opened.Key.ToArray(), opened.Headers.ToArray(), opened.Payload.ToArray(), at);
        return opens;
    }
}
