namespace Streams.Client;

/// <summary>Something to be written (or read in order with the writes) by the outbox's writer; many share one transaction.</summary>
internal interface IOutboxOperation
{
    /// <summary>Does it inside the running transaction; may be called again when that is undone.</summary>
    void Apply(OutboxTransaction transaction);

    /// <summary>The transaction is committed: it is on stable storage.</summary>
    void Committed();

    /// <summary>The transaction was undone.</summary>
    /// <returns>Whether the operation is to be tried again with the next transaction.</returns>
    bool Failed(Exception why);
}
