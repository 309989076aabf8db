using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>A batch of a producer's session.</summary>
internal sealed class ProduceOperation(ProducerSession session, StreamPartition partition, AfterVector after, EventBatch batch,
    bool hasRetained) : LocalOperation<ProduceResult>
{
    public override void Apply(LocalTransaction transaction) =>
        Result = transaction.Produce(session, partition, after, batch, hasRetained);

    public override void Fail(Exception why)
    {
        if (why is TryAgainException)
        {
            AnswerWith(ProduceResult.Refused(ProduceRefusal.NotWriting, why.Message));
        }
        else
        {
            base.Fail(why);
        }
    }
}

/// <summary>One event of a client without an outbox.</summary>
internal class AppendPlainOperation(StreamPartition partition, PlainEvent plain) : LocalOperation<EventPlace?>
{
    public StreamPartition Partition => partition;

    public PlainEvent Plain { get; private set; } = plain;

    public override void Apply(LocalTransaction transaction) => transaction.AppendPlain(this);

    public void PlaceAt(EventPlace place) => Result = place;

    /// <summary>The event happened, as far as anybody is told, at another time.</summary>
    public void StampAt(long timestamp) => Plain = Plain with { TimestampMicroseconds = timestamp };
}

/// <summary>One event of a client without an outbox, unless it is marked as taken.</summary>
internal sealed class AppendOnceOperation(StreamPartition partition, PlainEvent plain, Mark mark, bool isNew)
    : AppendPlainOperation(partition, plain)
{
    public override void Apply(LocalTransaction transaction) => transaction.AppendOnce(this, mark, isNew);
}

/// <summary>A mark that goes.</summary>
internal sealed class ClearMarkOperation(Mark mark) : LocalOperation<bool>
{
    public override void Apply(LocalTransaction transaction) => Result = transaction.ClearMark(mark);
}

/// <summary>A consumer's cursor.</summary>
internal sealed class CommitOperation(ConsumerName consumer, StreamPartition partition, Cursor cursor) : LocalOperation<bool>
{
    public override void Apply(LocalTransaction transaction) => Result = transaction.Commit(consumer, partition, cursor);
}

/// <summary>A register of a stream.</summary>
internal sealed class SetRegisterOperation(StreamPath stream, string key, ReadOnlyMemory<byte> value, bool onlyIfNew)
    : LocalOperation<bool>
{
    public override void Apply(LocalTransaction transaction) => Result = transaction.SetRegister(stream, key, value, onlyIfNew);
}

/// <summary>A register of a stream, replaced as it was known.</summary>
internal sealed class ReplaceRegisterOperation(StreamPath stream, RegisterFact known, ReadOnlyMemory<byte> value) : LocalOperation<bool>
{
    public override void Apply(LocalTransaction transaction) => Result = transaction.ReplaceRegister(stream, known, value);
}

/// <summary>What nobody asks for any more is forgotten, a part at a time.</summary>
internal sealed class TidyOperation : LocalOperation<bool>
{
    private RunKey? _runs = RunKey.Start;
    private bool _more;

    public override bool IsUnfinished => _more;

    public override void Apply(LocalTransaction transaction) => _more = transaction.Tidy(ref _runs);
}

/// <summary>What the settings of streams say of old events is done, a part at a time.</summary>
internal sealed class RetainOperation : LocalOperation<bool>
{
    private bool _more;

    public override bool IsUnfinished => _more;

    public override void Apply(LocalTransaction transaction) => _more = transaction.Retain() | transaction.Expire();
}

/// <summary>Other routes count for what is stored from now on.</summary>
internal sealed class UseRoutesOperation(System.Collections.Immutable.ImmutableArray<Route> routes) : LocalOperation<bool>
{
    public override void Apply(LocalTransaction transaction) => transaction.UseRoutes(routes);
}

/// <summary>What goes up next of what takes routes gets its sequences.</summary>
internal sealed class PlaceOperation(int maxBytes) : LocalOperation<List<PlacedBatch>>
{
    public override void Apply(LocalTransaction transaction) => Result = transaction.Place(maxBytes);
}
