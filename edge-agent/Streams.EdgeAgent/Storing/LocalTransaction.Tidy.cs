using Streams.Client;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>Forgets what nobody asks for any more: clients and places that are idle for long, and where sequences stood whose events are
/// gone.</summary>
/// <remarks>Sequences of a client are forgotten only when the epoch in which they were given is over (rule R7) and nothing waits to go up:
/// there a client's sequences only rise. Of runs whose events are gone the latest of each producer stays, for as long as the producer may
/// send it again (rule R8).</remarks>
internal sealed partial class LocalTransaction
{
    private const int RowsOfTidying = 2000;

    private static readonly TimeSpan EpochFor = TimeSpan.FromDays(1);

    /// <summary>How long clients are idle before they are forgotten.</summary>
    public static readonly TimeSpan ForgetAfter = TimeSpan.FromDays(7);

    private long _epochSince;

    /// <summary>The epoch in which clients get sequences now.</summary>
    private ulong Epoch { get; set; }

    /// <summary>Does a part of it; whether there is more.</summary>
    /// <param name="runs">Where among the runs it is; moved.</param>
    public bool Tidy(ref RunKey? runs)
    {
        if (runs is { } at)
        {
            runs = TidyRuns(at);
            return true;
        }

        _clients.Clear();
        _sequences.Clear();
        long before = Math.Min(_now - (long)ForgetAfter.TotalMicroseconds, _epochSince);
        bool waits = _db.Database.Scalar("SELECT EXISTS(SELECT 1 FROM lanes WHERE sent>=0 AND sent<next_offset)") != 0
            || _routes.Waiting > 0;
        return !waits && (Forget("sequences", "client, stream, partition", "at<?1", before)
            || Forget("stands", "producer, stream, partition", "at<?1", before)
            || Forget("clients", "id", "?1>0 AND id NOT IN (SELECT client FROM sequences)", 1));
    }

    private void BeginEpoch()
    {
        if (_now - _epochSince >= EpochFor.TotalMicroseconds || _now < _epochSince)
        {
            Epoch = Epoch == 0 ? _identity.Epoch : (ulong)_chance.NextInt64(1, long.MaxValue);
            _epochSince = _now;
        }
    }

    private bool Forget(string table, string key, string where, long before)
    {
        _db.Use($"DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE {where} LIMIT {RowsOfTidying})")
            .Bind(1, before).Run();
        return Number("SELECT changes()") == RowsOfTidying;
    }

    private RunKey? TidyRuns(RunKey from)
    {
        List<(RunKey Key, long Last)> rows = [];
        Statement select = _db.Use("SELECT producer, lane, epoch, first, offset, last FROM runs"
                + " WHERE (producer, lane, epoch, first, offset)>(?1, ?2, ?3, ?4, ?5)"
                + $" ORDER BY producer, lane, epoch, first, offset LIMIT {RowsOfTidying}")
            .Bind(1, from.Producer).Bind(2, from.Lane).Bind(3, from.Epoch).Bind(4, from.First).Bind(5, from.Offset);
        while (select.Step())
        {
            rows.Add((new RunKey(select.Blob(0).ToArray(), select.Long(1), select.Long(2), select.Long(3), select.Long(4)),
                select.Long(5)));
        }

        select.Reset();
        for (int i = 0; i < rows.Count; i++)
        {
            (RunKey key, long last) = rows[i];
            bool isLatest = i + 1 == rows.Count || !rows[i + 1].Key.IsOfSameLine(key);
            if (_book.Of(key.Lane) is { } id && _book.Find(id) is { } lane && key.Offset + (last - key.First) < lane.FirstOffset
                && !(isLatest && lane.IsOwn))
            {
                _db.Use("DELETE FROM runs WHERE producer=?1 AND lane=?2 AND epoch=?3 AND first=?4 AND offset=?5")
                    .Bind(1, key.Producer).Bind(2, key.Lane).Bind(3, key.Epoch).Bind(4, key.First).Bind(5, key.Offset).Run();
            }
        }

        return rows.Count == RowsOfTidying ? rows[^1].Key : null;
    }
}

/// <summary>A row of the table of runs.</summary>
internal readonly record struct RunKey(byte[] Producer, long Lane, long Epoch, long First, long Offset)
{
    /// <summary>Before all rows.</summary>
    public static readonly RunKey Start = new([], 0, 0, 0, 0);

    /// <summary>Whether both are of one producer's epoch in one lane.</summary>
    public bool IsOfSameLine(in RunKey other) =>
        Lane == other.Lane && Epoch == other.Epoch && Producer.AsSpan().SequenceEqual(other.Producer);
}
