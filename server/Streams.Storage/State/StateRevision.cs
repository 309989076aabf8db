namespace Streams.Storage;

/// <summary>Counts the changes of joined state since the container was opened, so that a link can ask for what changed since it last
/// asked. Only in memory: the count means nothing to another process.</summary>
internal sealed class StateRevision
{
    /// <summary>That of the last change. What was here when counting began counts as changed at 1.</summary>
    public long Value { get; private set; } = 1;

    /// <summary>Something changed: the number of this change.</summary>
    public long Next() => ++Value;
}
