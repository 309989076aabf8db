namespace EdgeGateway;

/// <summary>A machine behind the agent: publishes what it measures, and takes commands.</summary>
internal interface IMachine : IAsyncDisposable
{
    /// <summary>Its number.</summary>
    int Index { get; }

    /// <summary>What kind of client it is, for people.</summary>
    string Kind { get; }

    /// <summary>Whether the agent has let it in, and it can be given commands.</summary>
    bool IsConnected { get; }

    /// <summary>Whether it sleeps now, on purpose.</summary>
    bool IsAsleep { get; }

    /// <summary>Events that the agent has not acknowledged.</summary>
    int Waiting { get; }

    /// <summary>How often it came back after its first connection.</summary>
    int Reconnects { get; }

    /// <summary>Begins to connect.</summary>
    void Start();

    /// <summary>Gives it its next event to publish. It goes out when it can; one caller at a time.</summary>
    void Publish(ReadOnlySpan<byte> data);
}
