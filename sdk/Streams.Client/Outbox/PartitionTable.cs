using System.Collections.Concurrent;
using Streams.Core;

namespace Streams.Client;

/// <summary>The partitions of an outbox. Rows are made and changed by the writer's thread alone; others may look them up.</summary>
internal sealed class PartitionTable
{
    private readonly ConcurrentDictionary<StreamPartition, PartitionRow> _rows = [];
    private readonly Dictionary<long, PartitionRow> _byId = [];
    private long _lastId;

    /// <summary>All of them.</summary>
    public IEnumerable<PartitionRow> Rows => _rows.Values;

    /// <summary>How many.</summary>
    public int Count => _rows.Count;

    /// <summary>Whether the partition is among them.</summary>
    public bool Contains(StreamPartition partition) => _rows.ContainsKey(partition);

    /// <summary>Reads them from the file.</summary>
    public void Load(OutboxDatabase database)
    {
        using Statement select = database.Prepare("SELECT id, stream, partition, next, events, bytes FROM partitions ORDER BY id");
        while (select.Step())
        {
            StreamPartition partition = new(StreamPath.Parse(select.Text(1)), new PartitionId((int)select.Long(2)));
            Add(new PartitionRow(select.Long(0), partition)
            {
                Next = select.Long(3),
                Events = select.Long(4),
                Bytes = select.Long(5),
            });
        }
    }

    /// <summary>The row of a partition, made when it is new.</summary>
    public PartitionRow Row(StreamPartition partition)
    {
        if (!_rows.TryGetValue(partition, out PartitionRow? row))
        {
            row = new PartitionRow(_lastId + 1, partition);
            Add(row);
        }

        return row;
    }

    /// <summary>How many, for the writer's thread.</summary>
    public int RowCount => _byId.Count;

    /// <summary>The row with this number, for the writer's thread.</summary>
    public PartitionRow Row(long id) => _byId[id];

    /// <summary>The row with this number, or <see langword="null"/>.</summary>
    public PartitionRow? Find(long id) => _byId.GetValueOrDefault(id);

    private void Add(PartitionRow row)
    {
        _rows[row.Partition] = row;
        _byId[row.Id] = row;
        _lastId = Math.Max(_lastId, row.Id);
    }
}
