namespace Streams.Storage;

/// <summary>Whether a container writes, and if not, what it waits for. Reading goes on in all of them.</summary>
public enum WritePhase
{
    /// <summary>What comes is written.</summary>
    Writing,

    /// <summary>There is no room: what comes is refused at once, for certain, and may be tried again. Room is looked for every
    /// second.</summary>
    Full,

    /// <summary>The disk refused, and nobody knows what is behind the last flush: what comes is refused. It will be verified, at once or
    /// after a pause.</summary>
    Failed,

    /// <summary>The end of the log is opened anew, read, checked and cut.</summary>
    Verifying,
}
