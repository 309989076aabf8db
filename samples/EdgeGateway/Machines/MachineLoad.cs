using System.Buffers;

namespace EdgeGateway;

/// <summary>Makes the machines measure, each at its own moment within the period.</summary>
internal sealed class MachineLoad(GatewayOptions options, Recordings recordings, TimeProvider time)
{
    private readonly TimeSpan _length = TimeSpan.FromSeconds(options.Seconds);
    private readonly TimeSpan _period = TimeSpan.FromSeconds(1 / options.Rate);
    private long _started;

    /// <summary>How much of it is done, from 0 to 1.</summary>
    public double Done => Volatile.Read(ref _started) is 0 ? 0 : Math.Min(1, time.GetElapsedTime(Volatile.Read(ref _started)) / _length);

    /// <summary>About how many events it makes.</summary>
    public long ExpectedEvents => (long)(options.Machines * options.Seconds * options.Rate);

    public async Task RunAsync(IReadOnlyList<IMachine> machines, CancellationToken cancellationToken)
    {
        Volatile.Write(ref _started, time.GetTimestamp());
        await Task.WhenAll(machines.Select(machine => MeasureAsync(machine, cancellationToken)));
    }

    private async Task MeasureAsync(IMachine machine, CancellationToken cancellationToken)
    {
        Random chance = new(unchecked((options.Seed * 397) ^ machine.Index));
        IReadings readings = recordings.Of(machine.Index, chance);
        ArrayBufferWriter<byte> data = new();
        TimeSpan due = _period * chance.NextDouble();
        for (TimeSpan now; due < _length; due += _period)
        {
            now = time.GetElapsedTime(_started);
            if (due > now)
            {
                await Task.Delay(due - now, time, cancellationToken);
            }

            data.ResetWrittenCount();
            readings.Next(data);
            machine.Publish(data.WrittenSpan);
        }
    }
}
