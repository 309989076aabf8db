using Streams.Core;

namespace Streams.Storage;

/// <summary>The cursors of consumers, joined from all that was heard (rule R11).</summary>
internal sealed class CursorTable
{
    private readonly Dictionary<(StreamPartition Partition, ConsumerName Consumer), Cursor> _cursors = [];

    public int Count => _cursors.Count;

    public Cursor Get(ConsumerName consumer, StreamPartition partition) => _cursors.GetValueOrDefault((partition, consumer), Cursor.Start);

    /// <summary>Joins a cursor into what is kept; whether that changed anything.</summary>
    public bool Join(ConsumerName consumer, StreamPartition partition, Cursor cursor)
    {
        Cursor kept = Get(consumer, partition);
        Cursor joined = Cursor.Join(kept, cursor);
        if (ReferenceEquals(joined, kept))
        {
            return false;
        }

        _cursors[(partition, consumer)] = joined;
        return true;
    }

    public IEnumerable<(StreamPartition Partition, ConsumerName Consumer, Cursor Cursor)> All() =>
        _cursors.Select(c => (c.Key.Partition, c.Key.Consumer, c.Value));
}
