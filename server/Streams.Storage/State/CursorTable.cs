using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text;
using Streams.Core;

namespace Streams.Storage;

/// <summary>The cursors of consumers, joined from all that was heard (rule R11). Nearly all name one or two lanes, were never rewound and
/// stepped over nothing: such a one takes about 100 bytes with its name, so that a million fits in memory.</summary>
internal sealed class CursorTable(StateRevision revision)
{
    private readonly RowTable<Row> _rows = new();
    private readonly NamePieces _names = new();
    private readonly Dictionary<StreamPartition, int> _numbers = [];
    private readonly List<StreamPartition> _partitions = [];
    private readonly Dictionary<Origin, int> _originNumbers = [];
    private readonly List<Origin> _origins = [];

    public int Count => _rows.Count;

    public Cursor Get(ConsumerName consumer, StreamPartition partition)
    {
        Span<byte> name = stackalloc byte[ConsumerName.MaxBytes];
        name = name[..Encoding.UTF8.GetBytes(consumer.Value, name)];
        int found = _numbers.TryGetValue(partition, out int number) ? Find(Hash(number, name), number, name) : -1;
        return found < 0 ? Cursor.Start : CursorOf(_rows[found]);
    }

    /// <summary>Joins a cursor into what is kept; whether that changed anything.</summary>
    public bool Join(ConsumerName consumer, StreamPartition partition, Cursor cursor)
    {
        Span<byte> name = stackalloc byte[ConsumerName.MaxBytes];
        name = name[..Encoding.UTF8.GetBytes(consumer.Value, name)];
        int number = NumberOf(partition);
        ulong hash = Hash(number, name);
        int found = Find(hash, number, name);
        Cursor kept = found < 0 ? Cursor.Start : CursorOf(_rows[found]);
        Cursor joined = Cursor.Join(kept, cursor);
        if (ReferenceEquals(joined, kept))
        {
            return false;
        }

        if (found < 0)
        {
            found = _rows.Add(hash, HashOf);
            (_rows[found].Partition, _rows[found].Name) = (number, _names.Add(name));
        }

        Put(ref _rows[found], joined);
        _rows[found].Revision = revision.Next();
        return true;
    }

    /// <summary>Those that changed since a revision.</summary>
    public IEnumerable<(StreamPartition Partition, ConsumerName Consumer, Cursor Cursor)> Since(long since) => Since(since, 0, Count);

    /// <summary>Those among some rows that changed since a revision.</summary>
    public IEnumerable<(StreamPartition Partition, ConsumerName Consumer, Cursor Cursor)> Since(long since, int first, int count)
    {
        for (int i = first; i < Math.Min(Count, first + count); i++)
        {
            if (_rows[i].Revision > since)
            {
                yield return (_partitions[_rows[i].Partition], ConsumerName.Parse(Encoding.UTF8.GetString(_names[_rows[i].Name])),
                    CursorOf(_rows[i]));
            }
        }
    }

    private static ulong Hash(int partition, ReadOnlySpan<byte> name) =>
        BatchTopics.Hash(name) ^ ((ulong)(uint)partition * 0x9E37_79B9_7F4A_7C15);

    private ulong HashOf(int row) => Hash(_rows[row].Partition, _names[_rows[row].Name]);

    private int Find(ulong hash, int partition, ReadOnlySpan<byte> name)
    {
        int probe = -1;
        int found = _rows.Next(hash, ref probe);
        while (found >= 0 && (_rows[found].Partition != partition || !_names[_rows[found].Name].SequenceEqual(name)))
        {
            found = _rows.Next(hash, ref probe);
        }

        return found;
    }

    private Cursor CursorOf(in Row row)
    {
        if (row.Whole is { } whole)
        {
            return whole;
        }

        ImmutableSortedDictionary<Origin, Offset> positions = ImmutableSortedDictionary<Origin, Offset>.Empty
            .Add(_origins[row.FirstOrigin], new Offset(row.FirstOffset));
        return new Cursor(default, row.SecondOffset < 0 ? positions
            : positions.Add(_origins[row.SecondOrigin], new Offset(row.SecondOffset)), []);
    }

    private void Put(ref Row row, Cursor cursor)
    {
        if (cursor.Generation != default || cursor.Jumps.Count > 0 || cursor.Positions.Count is 0 or > 2)
        {
            row.Whole = cursor;
            return;
        }

        row.Whole = null;
        row.SecondOffset = -1;
        bool isFirst = true;
        foreach ((Origin origin, Offset offset) in cursor.Positions)
        {
            if (isFirst)
            {
                (row.FirstOrigin, row.FirstOffset) = (NumberOf(origin), offset.Value);
                isFirst = false;
            }
            else
            {
                (row.SecondOrigin, row.SecondOffset) = (NumberOf(origin), offset.Value);
            }
        }
    }

    private int NumberOf(StreamPartition partition)
    {
        if (!_numbers.TryGetValue(partition, out int number))
        {
            _numbers[partition] = number = _partitions.Count;
            _partitions.Add(partition);
        }

        return number;
    }

    private int NumberOf(Origin origin)
    {
        if (!_originNumbers.TryGetValue(origin, out int number))
        {
            _originNumbers[origin] = number = _origins.Count;
            _origins.Add(origin);
        }

        return number;
    }

    [StructLayout(LayoutKind.Auto)]
    private struct Row
    {
        /// <summary>The cursor, when it does not fit the fields below.</summary>
        public Cursor? Whole;
        public long Revision;
        public long FirstOffset;

        /// <summary>-1 when there is one lane.</summary>
        public long SecondOffset;
        public int FirstOrigin;
        public int SecondOrigin;
        public int Partition;
        public NamePlace Name;
    }
}
