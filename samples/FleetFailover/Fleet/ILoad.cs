namespace FleetFailover;

/// <summary>What makes the cars publish.</summary>
internal interface ILoad
{
    /// <summary>How much of the load is done, from 0 to 1, rising. Safe for many threads.</summary>
    double Done { get; }

    /// <summary>About how many events it makes.</summary>
    long ExpectedEvents { get; }

    /// <summary>Makes the cars publish until the load is over; then nothing is on its way to an outbox any more.</summary>
    Task RunAsync(IReadOnlyList<Car> cars, CancellationToken cancellationToken);
}
