using System.Runtime.InteropServices;
using Streams.Core;

namespace Streams.Storage;

/// <summary>Which event is a topic's retained message.</summary>
/// <param name="Lane">The lane in which it stands.</param>
/// <param name="Offset">Its offset there.</param>
/// <param name="Timestamp">Its time, microseconds since 1970.</param>
/// <param name="HasMessage">False when it removed the retained message.</param>
/// <param name="Position">Where in the log a record holds it: an entry, or a piece of joined state.</param>
internal readonly record struct RetainedMark(LaneId Lane, long Offset, long Timestamp, bool HasMessage, long Position)
    : IComparable<RetainedMark>
{
    /// <summary>The greater one counts, whatever the order in which they came: a total order, so that joining is a maximum (invariant
    /// 4). The time comes before the offset even within a lane: else three events of two lanes could each be before the next.</summary>
    public int CompareTo(RetainedMark other)
    {
        int compared = Timestamp.CompareTo(other.Timestamp);
        compared = compared != 0 ? compared : Lane.Origin.CompareTo(other.Lane.Origin);
        compared = compared != 0 ? compared : Lane.Partition.Partition.Value.CompareTo(other.Lane.Partition.Partition.Value);
        return compared != 0 ? compared : Offset.CompareTo(other.Offset);
    }
}

/// <summary>The retained messages of one stream: 40 bytes for each topic that has, or had, one. The topic keeps the number of its
/// row.</summary>
internal sealed class RetainedTable(StateRevision revision)
{
    private readonly RowPieces<Row> _rows = new();
    private readonly List<LaneId> _lanes = [];
    private readonly Dictionary<LaneId, int> _numbers = [];

    public int Count => _rows.Count;

    public RetainedMark this[int index]
    {
        get
        {
            ref Row row = ref _rows[index];
            return new RetainedMark(_lanes[row.Lane >> 1], row.Offset, row.Timestamp, (row.Lane & 1) != 0, row.Position);
        }
    }

    /// <summary>The topic's row among the stream's topics.</summary>
    public int TopicOf(int index) => _rows[index].Topic;

    /// <summary>Whether a row changed since a revision, its event or where that stands.</summary>
    public bool IsChanged(int index, long since) => _rows[index].Revision > since;

    /// <summary>The first mark of a topic; gives its row.</summary>
    public int Add(int topic, in RetainedMark mark)
    {
        int index = _rows.Add();
        _rows[index].Topic = topic;
        Set(ref _rows[index], mark);
        return index;
    }

    /// <summary>Joins a mark; whether another event is the retained one now.</summary>
    public bool Join(int index, in RetainedMark mark)
    {
        RetainedMark kept = this[index];
        int compared = mark.CompareTo(kept);
        if (compared > 0)
        {
            Set(ref _rows[index], mark);
        }
        else if (compared == 0 && mark.Position > kept.Position)
        {
            // The same event once more: written again before its record went, or got back. The earlier record may go.
            _rows[index].Position = mark.Position;
            _rows[index].Revision = revision.Next();
        }

        return compared > 0;
    }

    private void Set(ref Row row, in RetainedMark mark)
    {
        row.Lane = (NumberOf(mark.Lane) << 1) | (mark.HasMessage ? 1 : 0);
        row.Offset = mark.Offset;
        row.Timestamp = mark.Timestamp;
        row.Position = mark.Position;
        row.Revision = revision.Next();
    }

    private int NumberOf(LaneId lane)
    {
        if (!_numbers.TryGetValue(lane, out int number))
        {
            number = _lanes.Count;
            _lanes.Add(lane);
            _numbers.Add(lane, number);
        }

        return number;
    }

    [StructLayout(LayoutKind.Auto)]
    private struct Row
    {
        public long Offset;
        public long Timestamp;
        public long Position;
        public long Revision;
        public int Topic;

        /// <summary>Number of the lane, and in the lowest bit whether there is a message.</summary>
        public int Lane;
    }
}
