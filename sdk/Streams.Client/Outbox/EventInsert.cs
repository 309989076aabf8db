using System.Text;
using Streams.Core;

namespace Streams.Client;

/// <summary>Writes events into the table, many rows with one statement: each run of a statement costs as much as a small row itself. Used
/// by the writer's thread alone.</summary>
/// <remarks>What was added is in the table only after <see cref="Flush"/>.</remarks>
internal sealed class EventInsert : IDisposable
{
    private const int Columns = 9;
    private const int ManyRows = 32;

    private readonly Statement _one;
    private readonly Statement _many;
    private readonly RowSealer? _sealer;
    private readonly ulong _epoch;
    private readonly (long Id, PendingPublish Publish)[] _rows = new (long, PendingPublish)[ManyRows];
    private int _count;

    /// <summary>The statements of a database under this opening's epoch.</summary>
    /// <param name="database">The database.</param>
    /// <param name="epoch">The epoch.</param>
    /// <param name="sealer">Seals the content, or <see langword="null"/>.</param>
    public EventInsert(OutboxDatabase database, ulong epoch, RowSealer? sealer = null)
    {
        _epoch = epoch;
        _sealer = sealer;
        _one = database.Prepare(Sql(1, sealer));
        _many = database.Prepare(Sql(ManyRows, sealer));
    }

    /// <summary>Adds a row; the content of its publish must stay until it is flushed.</summary>
    public void Add(long id, PendingPublish publish)
    {
        _rows[_count++] = (id, publish);
        if (_count == ManyRows)
        {
            _count = 0;                                  // also when it fails: the transaction is undone
            for (int i = 0; i < ManyRows; i++)
            {
                Bind(_many, i * Columns, _rows[i]);
            }

            _many.Run();
        }
    }

    /// <summary>Writes what has not been written yet.</summary>
    public void Flush()
    {
        int count = _count;
        _count = 0;
        for (int i = 0; i < count; i++)
        {
            Bind(_one, 0, _rows[i]);
            _one.Run();
        }
    }

    /// <summary>Lets go of what was added.</summary>
    public void Clear()
    {
        _count = 0;
        Array.Clear(_rows);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _one.Dispose();
        _many.Dispose();
    }

    private static string Sql(int rows, RowSealer? sealer)
    {
        string row = sealer is null ? "(?, ?, ?, ?, ?, ?, ?, ?, ?)" : $"(?, ?, ?, ?, ?, ?, ?, ?, ?, {sealer.Key})";
        StringBuilder sql = new("INSERT INTO events(id, epoch, at, bytes, topic, key, headers, payload, crc");
        sql.Append(sealer is null ? ") VALUES" : ", seal) VALUES");
        for (int i = 0; i < rows; i++)
        {
            sql.Append(i == 0 ? string.Empty : ",").Append(row);
        }

        return sql.ToString();
    }

    private void Bind(Statement insert, int before, (long Id, PendingPublish Publish) row)
    {
        PlainEvent content = row.Publish.Content;
        ReadOnlySpan<byte> topic = content.Topic.Span;
        ReadOnlySpan<byte> key = content.Key.Span;
        ReadOnlySpan<byte> headers = content.Headers.Span;
        ReadOnlySpan<byte> payload = content.Payload.Span;
        long at = content.TimestampMicroseconds;
        long seal = 0;
        if (_sealer is not null)
        {
            payload = _sealer.Seal(content);
            key = headers = default;
            seal = RowCheck.Seal(_sealer.Key);
        }

        insert.Bind(before + 1, row.Id).Bind(before + 2, unchecked((long)_epoch)).Bind(before + 3, at)
            .Bind(before + 4, row.Publish.Bytes).Bind(before + 5, topic).Bind(before + 6, key).Bind(before + 7, headers)
            .Bind(before + 8, payload).Bind(before + 9, RowCheck.Of(row.Id, _epoch, at, topic, key, headers, payload) ^ seal);
    }
}
