using System.Buffers;

namespace FleetFailover;

/// <summary>Cars that drive the road grid and report at a steady rate, each at its own moment within the period.</summary>
internal sealed class SimulatedFleet(FleetOptions options, TimeProvider time) : ILoad
{
    private readonly TimeSpan _length = TimeSpan.FromSeconds(options.Seconds);
    private readonly TimeSpan _period = TimeSpan.FromSeconds(1 / options.Rate);
    private long _started;

    public static IReadOnlyList<string> Names(int cars) => [.. Enumerable.Range(1, cars).Select(i => $"car-{i:000}")];

    public double Done => Volatile.Read(ref _started) is 0 ? 0 : Math.Min(1, time.GetElapsedTime(Volatile.Read(ref _started)) / _length);

    public long ExpectedEvents => (long)(options.Cars * options.Seconds * options.Rate);

    public async Task RunAsync(IReadOnlyList<Car> cars, CancellationToken cancellationToken)
    {
        Volatile.Write(ref _started, time.GetTimestamp());
        await Task.WhenAll(cars.Select(car => DriveAsync(car, cancellationToken)));
    }

    private async Task DriveAsync(Car car, CancellationToken cancellationToken)
    {
        Random chance = new(unchecked((options.Seed * 397) ^ car.Index));
        SimulatedCar simulated = new(chance);
        ArrayBufferWriter<byte> data = new();
        TimeSpan due = _period * chance.NextDouble();
        for (TimeSpan now; due < _length; due += _period)
        {
            now = time.GetElapsedTime(_started);
            if (due > now)
            {
                await Task.Delay(due - now, time, cancellationToken);
            }

            simulated.Drive(_period);
            data.ResetWrittenCount();
            simulated.Write(data);
            await await car.StartPublishAsync(data.WrittenSpan, time.GetUtcNow(), cancellationToken);
        }
    }
}
