namespace Streams.Simulation;

/// <summary>A record of a simulated container.</summary>
internal readonly record struct ReplicaRecord(long Epoch, long Value);

/// <summary>A node's disk: what is flushed, and what is written behind it. A crash leaves the first of the writes, as many as chance
/// wills.</summary>
internal sealed class ReplicaDisk
{
    private readonly List<(long Cut, ReplicaRecord[] Records)> _pending = [];

    /// <summary>What is flushed.</summary>
    public List<ReplicaRecord> Durable { get; } = [];

    /// <summary>What the process sees.</summary>
    public List<ReplicaRecord> Seen { get; } = [];

    /// <summary>The durable promise.</summary>
    public long Promise { get; set; }

    /// <summary>Writes that are not flushed.</summary>
    public int Pending => _pending.Count;

    public void Write(ReplicaRecord[] records)
    {
        _pending.Add((-1, records));
        Seen.AddRange(records);
    }

    public void Cut(long last)
    {
        _pending.Add((last, []));
        Seen.RemoveRange((int)last, Seen.Count - (int)last);
    }

    /// <summary>The first writes are flushed.</summary>
    public void Flush(int writes)
    {
        foreach ((long cut, ReplicaRecord[] records) in _pending.Take(writes))
        {
            if (cut >= 0)
            {
                Durable.RemoveRange((int)cut, Durable.Count - (int)cut);
            }

            Durable.AddRange(records);
        }

        _pending.RemoveRange(0, writes);
    }

    public void Crash(Random chance)
    {
        Flush(chance.Next(_pending.Count + 1));
        _pending.Clear();
        Seen.Clear();
        Seen.AddRange(Durable);
    }
}
