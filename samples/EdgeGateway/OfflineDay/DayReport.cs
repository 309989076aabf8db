namespace EdgeGateway;

/// <summary>The figures of a day offline, as they are written to the report file.</summary>
internal sealed record DayReport
{
    public required bool Passed { get; init; }

    /// <summary>What was published, as part of 86,400,000 events.</summary>
    public required double Scale { get; init; }

    /// <summary>Hours that passed on the agent's clock.</summary>
    public required double SimulatedHours { get; init; }

    /// <summary>Why the clock was not set; absent when it was.</summary>
    public string? ClockNotSet { get; init; }

    /// <summary>Events that the agent acknowledged without an uplink.</summary>
    public required long Offline { get; init; }

    public required double OfflineSeconds { get; init; }

    /// <summary>All events that the agent acknowledged.</summary>
    public required long Acknowledged { get; init; }

    public required long Delivered { get; init; }

    /// <summary>Events that were never delivered, and what the agent counted as dropped by its declared policy: the same.</summary>
    public required long Missing { get; init; }

    public required long Dropped { get; init; }

    /// <summary>Must be 0.</summary>
    public required long OutOfOrderOrTwice { get; init; }

    /// <summary>Bytes that the store may take, and the most that its files took.</summary>
    public required long StoreLimit { get; init; }

    public required long StorePeak { get; init; }

    /// <summary>Resident megabytes: the most in the first and in the last quarter of the time offline, and while draining.</summary>
    public required double MemoryEarly { get; init; }

    public required double MemoryLate { get; init; }

    public required double MemoryDraining { get; init; }

    /// <summary>Events that waited when the uplink came back, and how fast they went up.</summary>
    public required long Backlog { get; init; }

    public required double DrainSeconds { get; init; }

    public required double DrainPerSecond { get; init; }

    /// <summary>While the backlog drained, of devices that have none: from PUBLISH to PUBACK, and to the back end.</summary>
    public required Percentiles LiveAcknowledged { get; init; }

    public required Percentiles LiveDelivered { get; init; }

    /// <summary>The same to the back end, when the backlog was gone.</summary>
    public required Percentiles LiveAfterwards { get; init; }

    public required IReadOnlyList<string> Faults { get; init; }

    public required IReadOnlyList<SeriesPoint> Series { get; init; }

    public required ReportedPlatform Platform { get; init; }
}
