namespace Streams.Client;

/// <summary>Something to be written (or read in order with the writes) by the outbox's writer; many share one transaction.</summary>
internal interface IOutboxOperation
{
    /// <summary>Does it inside the running transaction; may be called again when that is undone.</summary>
    void Apply(OutboxTransaction transaction);

    /// <summary>The transaction is committed: it is on stable storage, or, when nothing in it needs that, in the hands of the operating
    /// system.</summary>
    void Committed();

    /// <summary>The transaction was undone.</summary>
    /// <returns>Whether the operation is to be tried again with the next transaction.</returns>
    bool Failed(Exception why);

    /// <summary>Whether it must be on stable storage when it is committed. Without it a cut of the power may undo it, and all that was
    /// committed behind it, never what was before.</summary>
    bool NeedsFlush => true;

    /// <summary>Whether only a part of it is done, so that the transaction (and the journal) stays small; the rest comes with the
    /// next.</summary>
    bool IsUnfinished => false;

    /// <summary>Whether what is queued behind it must wait until it is finished.</summary>
    bool HoldsUp => false;
}
