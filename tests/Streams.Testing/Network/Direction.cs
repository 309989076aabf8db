namespace Streams.Testing;

/// <summary>Which way bytes flow through a <see cref="CuttingProxy"/>.</summary>
public enum Direction
{
    /// <summary>From the connecting client to the target behind the proxy.</summary>
    ToTarget,

    /// <summary>From the target back to the client.</summary>
    ToClient,
}

/// <summary>How a cut shows to the two ends.</summary>
public enum CutStyle
{
    /// <summary>RST: reads and writes fail at once, what was in flight is gone.</summary>
    Reset,

    /// <summary>FIN: the peer reads an orderly end of stream.</summary>
    Close,
}
