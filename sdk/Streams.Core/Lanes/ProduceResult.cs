namespace Streams.Core;

/// <summary>Why a cluster did not take a batch.</summary>
public enum ProduceRefusal
{
    /// <summary>It did take it.</summary>
    None = 0,

    /// <summary>A newer session of this producer is open here (rule R2): this one is over.</summary>
    OlderSession,

    /// <summary>The batch does not follow the last one taken in this session (rule R2): the session is over; reconnect, say hello, resend
    /// in order.</summary>
    OutOfOrder,

    /// <summary>Not now: the store is starting, draining or its disk failed. Go to another cluster or come again.</summary>
    NotWriting,

    /// <summary>The request is wrong and will stay wrong.</summary>
    Invalid,
}

/// <summary>What became of a batch.</summary>
/// <param name="Refusal">Why it was not taken, or <see cref="ProduceRefusal.None"/>.</param>
/// <param name="Detail">For people; empty when it was taken.</param>
/// <param name="Placed">Where its sequences stand, flushed: one run, or several when they were already held in the own lane (rule
/// R6).</param>
public readonly record struct ProduceResult(ProduceRefusal Refusal, string Detail, IReadOnlyList<PlacedRun> Placed)
{
    /// <summary>Taken.</summary>
    public static ProduceResult At(IReadOnlyList<PlacedRun> placed) => new(ProduceRefusal.None, string.Empty, placed);

    /// <summary>Not taken.</summary>
    public static ProduceResult Refused(ProduceRefusal refusal, string detail) => new(refusal, detail, []);
}

/// <summary>A batch that is given to a cluster among others.</summary>
/// <param name="Session">The session of its producer.</param>
/// <param name="Partition">The partition.</param>
/// <param name="After">What must be passed before it (rules R4, R5).</param>
/// <param name="Batch">The batch; its memory must not change until it is answered.</param>
public readonly record struct ProducedBatch(ProducerSession Session, StreamPartition Partition, AfterVector After, EventBatch Batch);

/// <summary>A producer's session at a cluster; a later one of the same producer shuts it out (rule R2).</summary>
/// <param name="Producer">The producer.</param>
/// <param name="Number">Given by the cluster, rising.</param>
public readonly record struct ProducerSession(ProducerId Producer, long Number);
