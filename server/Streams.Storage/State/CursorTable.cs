using Streams.Core;

namespace Streams.Storage;

/// <summary>The cursors of consumers, joined from all that was heard (rule R11).</summary>
internal sealed class CursorTable(StateRevision revision)
{
    private readonly Dictionary<(StreamPartition Partition, ConsumerName Consumer), (Cursor Cursor, long Revision)> _cursors = [];

    public int Count => _cursors.Count;

    public Cursor Get(ConsumerName consumer, StreamPartition partition) =>
        _cursors.TryGetValue((partition, consumer), out (Cursor Cursor, long Revision) kept) ? kept.Cursor : Cursor.Start;

    /// <summary>Joins a cursor into what is kept; whether that changed anything.</summary>
    public bool Join(ConsumerName consumer, StreamPartition partition, Cursor cursor)
    {
        Cursor kept = Get(consumer, partition);
        Cursor joined = Cursor.Join(kept, cursor);
        if (ReferenceEquals(joined, kept))
        {
            return false;
        }

        _cursors[(partition, consumer)] = (joined, revision.Next());
        return true;
    }

    /// <summary>Those that changed since a revision.</summary>
    public IEnumerable<(StreamPartition Partition, ConsumerName Consumer, Cursor Cursor)> Since(long since) =>
        _cursors.Where(c => c.Value.Revision > since).Select(c => (c.Key.Partition, c.Key.Consumer, c.Value.Cursor));
}
