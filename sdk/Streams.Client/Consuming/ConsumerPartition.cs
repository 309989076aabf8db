using Streams.Core;

namespace Streams.Client;

/// <summary>One partition of a consumer: the machine, and how far it is kept and committed. Used under the consumer's lock.</summary>
internal sealed class ConsumerPartition
{
    private Cursor _saved;

    /// <summary>A partition as it was kept.</summary>
    public ConsumerPartition(KeptPartition kept, StreamsClientOptions options, EventContent content, PassByRules? rules = null)
    {
        GivenMemory given = new();
        foreach (KeptRuns runs in kept.Given)
        {
            given.Restore(runs);
        }

        PatienceClock patience = new(options.Patience == Timeout.InfiniteTimeSpan ? -1 : (long)options.Patience.TotalMilliseconds);
        foreach (KeptWait wait in kept.Waits)
        {
            patience.Restore(wait);
        }

        Content = content;
        _saved = Durable = kept.Cursor;
        Reader = new PassByReader(kept.Partition, new ReaderLimits(options.HoldBackEvents, HoldBackBytes(options)), kept.Cursor, given,
            patience, rules);
    }

    /// <summary>The machine.</summary>
    public PassByReader Reader { get; }

    /// <summary>Makes its events.</summary>
    public EventContent Content { get; }

    /// <summary>The cursor as it stands on the device's disk: what may be told to a cluster (R17).</summary>
    public Cursor Durable { get; private set; }

    /// <summary>The cursor last told in this session.</summary>
    public Cursor? Committed { get; set; }

    /// <summary>What is to be kept now, or <see langword="null"/> when nothing changed.</summary>
    public KeptPartition? Changes()
    {
        Cursor cursor = Reader.Confirmed();
        bool waits = Reader.Patience.IsChanged;
        if (ReferenceEquals(cursor, _saved) && !Reader.Given.IsChanged && !waits)
        {
            return null;
        }

        _saved = cursor;
        return new KeptPartition(Reader.Partition, cursor, Reader.Patience.Take(), Reader.Given.TakeChanges());
    }

    /// <summary>It was kept.</summary>
    public void Kept(Cursor cursor) => Durable = cursor;

    // Held events are not under the credit; what they may take is bounded in bytes, too.
    private static long HoldBackBytes(StreamsClientOptions options) => Math.Max(16L << 20, 4L * options.ReceiveBytes);
}
