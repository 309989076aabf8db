using Streams.Core;

namespace Streams.Storage;

/// <summary>A batch of a producer's session.</summary>
internal sealed class ProduceOperation(ProducerSession session, StreamPartition partition, AfterVector after, EventBatch batch,
    BatchTopics topics)
    : Operation<ProduceResult>
{
    public override StreamPath? Stream => partition.Stream;

    public override bool MayOverlap(Stager stager) => true;

    public override void Stage(Stager stager) => Result = stager.Produce(session, partition, after, batch, topics);

    /// <summary>A batch that was never taken up is refused for certain; of one that was, nobody knows.</summary>
    public override void Fail(Exception cause)
    {
        if (IsStaged)
        {
            base.Fail(cause);
        }
        else
        {
            AnswerWith(ProduceResult.Refused(ProduceRefusal.NotWriting, cause.Message));
        }
    }
}

/// <summary>One event of a client without an outbox.</summary>
internal class AppendPlainOperation(StreamPartition partition, PlainEvent plain) : Operation<EventPlace>
{
    public StreamPartition Partition => partition;

    public PlainEvent Plain { get; private set; } = plain;

    public override StreamPath? Stream => partition.Stream;

    public override bool MayOverlap(Stager stager) => true;

    public override void Stage(Stager stager) => stager.AppendPlain(partition, this);

    public void PlaceAt(EventPlace place) => Result = place;

    /// <summary>The event happened, as far as anybody is told, at another time.</summary>
    public void StampAt(long timestamp) => Plain = Plain with { TimestampMicroseconds = timestamp };
}

/// <summary>A consumer's cursor.</summary>
internal sealed class CommitOperation(ConsumerName consumer, StreamPartition partition, Cursor cursor) : Operation<bool>
{
    public override bool MayOverlap(Stager stager) => true;

    public override void Stage(Stager stager) => stager.Commit(consumer, partition, cursor);
}

/// <summary>A register of a stream.</summary>
internal sealed class SetRegisterOperation(StreamPath stream, string key, ReadOnlyMemory<byte> value, bool onlyIfNew) : Operation<bool>
{
    public override void Stage(Stager stager) => stager.SetRegister(stream, key, value, onlyIfNew);
}

/// <summary>A register of a stream, replaced as it was known.</summary>
internal sealed class ReplaceRegisterOperation(StreamPath stream, RegisterFact known, ReadOnlyMemory<byte> value) : Operation<bool>
{
    public override void Stage(Stager stager) => stager.ReplaceRegister(stream, known, value);
}

/// <summary>Entries of a lane, from a link.</summary>
internal sealed class IngestOperation(LaneId lane, IReadOnlyList<LaneEntry> entries, CheckedBody[] bodies) : Operation<IngestResult>
{
    public override bool MayOverlap(Stager stager) => stager.MayOverlap(lane, entries);

    public override void Stage(Stager stager) => Result = stager.Ingest(lane, entries, bodies);
}

/// <summary>A gap that the sender of a lane has at its beginning.</summary>
internal sealed class SkipOperation(LaneId lane, EntryNumber first, Offset firstOffset) : Operation<bool>
{
    public override void Stage(Stager stager) => stager.Skip(lane, first, firstOffset);
}

/// <summary>Entries that the sender of a lane leaves out.</summary>
internal sealed class TakeOutOperation(LaneId lane, long first, long next, long nextOffset) : Operation<IngestResult>
{
    public override void Stage(Stager stager) => Result = stager.TakeOut(lane, first, next, nextOffset);
}

/// <summary>Entries that are declared lost.</summary>
internal sealed class DeclareLostOperation(LaneId lane, long first, long next) : Operation<IReadOnlyList<MissingRun>>
{
    public override void Stage(Stager stager) => Result = stager.DeclareLost(lane, first, next);
}

/// <summary>Retention of one lane.</summary>
internal sealed class TrimOperation(LaneId lane, EntryNumber first) : Operation<EntryNumber>
{
    public override bool FreesSpace => true;

    public override void Stage(Stager stager) => Result = stager.Trim(lane, first);
}

/// <summary>Joined state, from a link.</summary>
internal sealed class JoinOperation(IReadOnlyList<StateItem> items) : Operation<IReadOnlyList<StateItem>>
{
    public override void Stage(Stager stager) => Result = stager.Join(items);
}

/// <summary>Writing begins under an origin, or under a new incarnation of the one there is.</summary>
internal sealed class OriginOperation(Origin? origin) : Operation<Origin>
{
    public override void Stage(Stager stager) => Result = stager.SetOrigin(origin);
}

/// <summary>Facts written once more, because the records that told them are about to go.</summary>
internal sealed class RestateOperation(IReadOnlyList<FactKey> facts, IReadOnlyList<StateItem> retained) : Operation<bool>
{
    public override bool FreesSpace => true;

    public override void Stage(Stager stager) => stager.Restate(facts, retained);
}

/// <summary>Comes to its turn and does nothing.</summary>
internal sealed class TurnOperation : Operation<bool>
{
    public override bool FreesSpace => true;          // retention ends a segment with it

    public override void Stage(Stager stager)
    {
    }
}
