namespace FleetFailover;

/// <summary>All clients of a run: the cars and the back end.</summary>
internal sealed class Fleet : IAsyncDisposable
{
    /// <summary>Clients that open or close at once: each makes a database file.</summary>
    private const int AtOnce = 16;
    private const int EventsPerCommand = 10;

    private readonly List<Car> _cars = [];

    private Fleet(BackEnd backEnd) => BackEnd = backEnd;

    public IReadOnlyList<Car> Cars => _cars;

    public BackEnd BackEnd { get; }

    public long InOutboxes => _cars.Sum(car => car.OutboxEvents) + BackEnd.OutboxEvents;

    public ClientFigures Figures => new(_cars.Count, _cars.Sum(car => car.Connection.Reconnects) + BackEnd.Connection.Reconnects,
        BackEnd.OrderReleased);

    public bool IsConnected => BackEnd.Connection.Cluster is not null && _cars.All(car => car.Connection.Cluster is not null);

    public static async Task<Fleet> OpenAsync(TrialWorld world, ResumeTimes resume, CancellationToken cancellationToken)
    {
        Fleet fleet = new(await BackEnd.OpenAsync(world, EventsPerCommand, cancellationToken));
        try
        {
            for (int first = 0; first < world.Devices.Names.Count; first += AtOnce)
            {
                int count = Math.Min(AtOnce, world.Devices.Names.Count - first);
                fleet._cars.AddRange(await Task.WhenAll(
                    Enumerable.Range(first, count).Select(i => Car.OpenAsync(i, world, resume, cancellationToken))));
            }

            return fleet;
        }
        catch
        {
            await fleet.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (Car[] some in _cars.Chunk(AtOnce))
        {
            await Task.WhenAll(some.Select(car => car.DisposeAsync().AsTask()));
        }

        await BackEnd.DisposeAsync();
    }
}
