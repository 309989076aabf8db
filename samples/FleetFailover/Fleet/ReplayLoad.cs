using System.Buffers;
using System.Threading.Channels;

namespace FleetFailover;

/// <summary>Plays a recording: rows go out in order of their times, each through its vehicle's car; at full speed, or so many times as
/// fast as recorded.</summary>
internal sealed class ReplayLoad(ReplayFile file, FleetOptions options, TimeProvider time) : ILoad
{
    /// <summary>Rows of one vehicle that wait for its outbox; beyond it the whole recording waits.</summary>
    private const int MaxWaiting = 64;

    /// <summary>Events of one vehicle that its outbox may write with one flush.</summary>
    private const int MaxUnderWay = 32;

    private long _published;
    private int _ended;

    public double Done => Volatile.Read(ref _ended) == 1 ? 1 : (double)Interlocked.Read(ref _published) / file.Rows.Length;

    public long ExpectedEvents => file.Rows.Length;

    public async Task RunAsync(IReadOnlyList<Car> cars, CancellationToken cancellationToken)
    {
        Channel<ReplayRow>[] lanes = [.. cars.Select(_ => Channel.CreateBounded<ReplayRow>(MaxWaiting))];
        Task publishing = Task.WhenAll(cars.Select((car, i) => PublishAsync(car, lanes[i].Reader, cancellationToken)));
        await DealAsync(lanes, publishing, cancellationToken);
        await publishing;
        Volatile.Write(ref _ended, 1);
    }

    private async Task DealAsync(Channel<ReplayRow>[] lanes, Task publishing, CancellationToken cancellationToken)
    {
        long started = time.GetTimestamp();
        TimeSpan limit = options.SecondsGiven ? TimeSpan.FromSeconds(options.Seconds) : TimeSpan.MaxValue;
        foreach (ReplayRow row in file.Rows)
        {
            if (options.ReplaySpeed > 0)
            {
                TimeSpan due = TimeSpan.FromTicks(row.UtcTicks - file.Rows[0].UtcTicks) / options.ReplaySpeed;
                TimeSpan wait = due - time.GetElapsedTime(started);
                if (wait > TimeSpan.Zero)
                {
                    await Task.Delay(wait < limit ? wait : limit, time, cancellationToken);
                }
            }

            if (publishing.IsFaulted || time.GetElapsedTime(started) >= limit)
            {
                break;
            }

            await lanes[row.Vehicle].Writer.WriteAsync(row, cancellationToken);
        }

        foreach (Channel<ReplayRow> lane in lanes)
        {
            lane.Writer.Complete();
        }
    }

    private async Task PublishAsync(Car car, ChannelReader<ReplayRow> rows, CancellationToken cancellationToken)
    {
        RowJson json = new(file.Columns);
        ArrayBufferWriter<byte> data = new();
        Queue<Task> underWay = new(MaxUnderWay);
        await foreach (ReplayRow row in rows.ReadAllAsync(cancellationToken))
        {
            data.ResetWrittenCount();
            json.Write(file.Record(row), data);
            DateTimeOffset when = new(row.UtcTicks, TimeSpan.Zero);
            underWay.Enqueue(await car.StartPublishAsync(data.WrittenSpan, when, cancellationToken));
            if (underWay.Count == MaxUnderWay)
            {
                await underWay.Dequeue();
            }

            Interlocked.Increment(ref _published);
        }

        await Task.WhenAll(underWay);
    }
}
