using System.Buffers;
using Streams.Client;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>Batches: what producers with an outbox send, and entries of lanes.</summary>
internal sealed partial class LocalTransaction
{
    private const int RunsLookedAt = 64;             // runs of one producer in one lane lie beside each other, but for a few resent ones

    private readonly ArrayBufferWriter<byte> _after = new();

    /// <summary>A batch of a session (rules R1, R2, R4, R6).</summary>
    /// <exception cref="TryAgainException">There is no room; the session is over.</exception>
    public ProduceResult Produce(ProducerSession session, StreamPartition partition, AfterVector after, EventBatch batch,
        bool hasRetained)
    {
        BatchHeader header = batch.Header;
        if (header.Producer != session.Producer)
        {
            _sessions.End(session);
            return ProduceResult.Refused(ProduceRefusal.Invalid,
                $"the batch is of producer {header.Producer}, the session of {session.Producer}");
        }

        ProduceRefusal refusal = _sessions.Take(session, partition, header, out string detail);
        if (refusal != ProduceRefusal.None)
        {
            return ProduceResult.Refused(refusal, detail);
        }

        LaneRow lane = Lane(new LaneId(partition, _identity.Origin));
        if (OwnRuns(lane, header) is { } held)
        {
            return ProduceResult.At(held);
        }

        if (IsClient(header.Producer))
        {
            _sessions.End(session);                    // of this producer alone: what else is there goes on
            return ProduceResult.Refused(ProduceRefusal.OutOfOrder,
                "these events are of a device of this agent, which sent them to the one that sends them back; they wait there");
        }

        try
        {
            RequireRoom(batch.Bytes.Length);
        }
        catch (TryAgainException)
        {
            _sessions.End(session);
            throw;
        }

        long offset = Append(lane, after.Without(_identity.Origin), batch.Bytes.Span, header.Count);
        AddRun(lane.Row, header, offset);
        if (hasRetained)
        {
            Retain(lane, offset, batch);
        }

        return ProduceResult.At([new PlacedRun(header.FirstSequence, header.LastSequence, _identity.Origin, new Offset(offset))]);
    }

    /// <summary>A batch that was saved from a damaged file, under the identity that it has.</summary>
    /// <exception cref="TryAgainException">There is no room.</exception>
    public void TakeSaved(StreamPartition partition, AfterVector after, EventBatch batch)
    {
        RequireRoom(batch.Bytes.Length);
        LaneRow lane = Lane(new LaneId(partition, _identity.Origin));
        if (lane.Sent < 0)
        {
            lane = lane with { Sent = lane.NextOffset };     // its route took it to another stream than those that go up by themselves
        }

        long offset = Append(lane, after, batch.Bytes.Span, batch.Header.Count);
        AddRun(lane.Row, batch.Header, offset);
        Retain(lane, offset, batch);
    }

    // Where all of a batch stands in the own lane, or null: then it is appended whole (rule R6).
    private List<PlacedRun>? OwnRuns(LaneRow lane, in BatchHeader batch)
    {
        List<PlacedRun>? places = null;
        for (long next = batch.FirstSequence; next <= batch.LastSequence;)
        {
            if (!TryFindRun(lane.Row, batch, next, out long first, out long runLast, out long offset))
            {
                return null;
            }

            long last = Math.Min(runLast, batch.LastSequence);
            (places ??= []).Add(new PlacedRun(next, last, lane.Lane.Origin, new Offset(offset + (next - first))));
            next = last + 1;
        }

        return places;
    }

    private bool TryFindRun(long lane, in BatchHeader batch, long sequence, out long first, out long last, out long offset)
    {
        Span<byte> producer = stackalloc byte[ProducerId.Size];
        batch.Producer.Write(producer);
        Statement select = _db.Use("SELECT first, last, offset FROM runs WHERE producer=?1 AND lane=?2 AND epoch=?3 AND first<=?4"
                + $" ORDER BY first DESC, offset DESC LIMIT {RunsLookedAt}")
            .Bind(1, producer).Bind(2, lane).Bind(3, unchecked((long)batch.Epoch)).Bind(4, sequence);
        (first, last, offset) = (0, 0, 0);
        while (select.Step())
        {
            if (select.Long(1) >= sequence && select.Long(1) > last)
            {
                (first, last, offset) = (select.Long(0), select.Long(1), select.Long(2));
            }
        }

        select.Reset();
        return last > 0;
    }

    private void AddRun(long lane, in BatchHeader batch, long offset)
    {
        Span<byte> producer = stackalloc byte[ProducerId.Size];
        batch.Producer.Write(producer);
        long epoch = unchecked((long)batch.Epoch);
        if (TryFindRun(lane, batch, batch.FirstSequence - 1, out long first, out long last, out long runOffset)
            && last == batch.FirstSequence - 1 && runOffset + (batch.FirstSequence - first) == offset)
        {
            _db.Use("UPDATE runs SET last=?6 WHERE producer=?1 AND lane=?2 AND epoch=?3 AND first=?4 AND offset=?5")
                .Bind(1, producer).Bind(2, lane).Bind(3, epoch).Bind(4, first).Bind(5, runOffset).Bind(6, batch.LastSequence).Run();
            return;
        }

        _db.Use("INSERT INTO runs(producer, lane, epoch, first, offset, last) VALUES(?1, ?2, ?3, ?4, ?5, ?6)"
                + " ON CONFLICT DO UPDATE SET last=max(last, excluded.last)")
            .Bind(1, producer).Bind(2, lane).Bind(3, epoch).Bind(4, batch.FirstSequence).Bind(5, offset).Bind(6, batch.LastSequence).Run();
    }

    // Puts an entry at the end of a lane; gives the offset of its first event.
    private long Append(LaneRow lane, AfterVector after, ReadOnlySpan<byte> batch, int events)
    {
        long offset = lane.NextOffset;
        if (offset + events > LocalSchema.MaxOffset)
        {
            throw new TryAgainException($"{lane.Lane} has {offset} events, and can have no more");
        }

        _after.ResetWrittenCount();
        ByteWriter writer = new(_after);
        after.Write(ref writer);
        long at = Math.Max(_now, lane.At);
        _db.Use("INSERT INTO entries(id, number, events, at, after, body) VALUES(?1, ?2, ?3, ?4, ?5, ?6)")
            .Bind(1, LocalSchema.EntryId(lane.Row, offset)).Bind(2, lane.NextEntry).Bind(3, (long)events).Bind(4, at)
            .Bind(5, _after.WrittenSpan).Bind(6, batch).Run();
        Put(lane with { NextEntry = lane.NextEntry + 1, NextOffset = offset + events, Bytes = lane.Bytes + batch.Length, At = at });
        _changed.Add(lane.Lane.Partition.Stream);
        return offset;
    }
}
