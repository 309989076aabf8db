using Streams.Core;

namespace Streams.Storage;

/// <summary>One event of a client without an outbox, unless it is marked as taken.</summary>
internal sealed class AppendOnceOperation(StreamPartition partition, PlainEvent plain, Mark mark, bool isNew)
    : AppendPlainOperation(partition, plain)
{
    /// <summary>Flushed whatever the stream's durability: the sender is told that it may forget.</summary>
    public override StreamPath? Stream => null;

    /// <summary>Whether it was marked: nothing is appended then.</summary>
    public bool WasTaken { get; private set; }

    /// <summary>Whether it is marked is asked of what is flushed, and a group in flight may mark it.</summary>
    public override bool MayOverlap(Stager stager) => false;

    public override void Stage(Stager stager) => WasTaken = !stager.AppendOnce(Partition, this, mark, isNew);
}

/// <summary>A mark that goes.</summary>
internal sealed class ClearMarkOperation(Mark mark) : Operation<bool>
{
    public override void Stage(Stager stager) => Result = stager.ClearMark(mark);
}
