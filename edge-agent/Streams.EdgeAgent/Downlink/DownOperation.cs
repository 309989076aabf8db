using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>Stretches that came down and the cursors behind them, in one transaction: what is committed at a cluster is on disk
/// here.</summary>
internal sealed class DownOperation(ConsumerName consumer, IReadOnlyList<DownStretch> stretches,
    IReadOnlyList<(StreamPartition Partition, Cursor Cursor)> cursors) : LocalOperation<bool>
{
    public override void Apply(LocalTransaction transaction)
    {
        transaction.RequireRoomFor(stretches);
        foreach (DownStretch stretch in stretches)
        {
            transaction.TakeDown(stretch);
        }

        foreach ((StreamPartition partition, Cursor cursor) in cursors)
        {
            transaction.Commit(consumer, partition, cursor);
        }
    }
}
