using System.Buffers;
using System.Globalization;
using System.Text;
using Streams.Mqtt;

namespace EdgeGateway;

/// <summary>A device that publishes numbered events of 200 bytes with QoS 1, as fast as the agent acknowledges them or at a pace.</summary>
/// <remarks>It does not connect again: nothing is killed in such a run.</remarks>
internal sealed class DayDevice : IAsyncDisposable
{
    /// <summary>Bytes of a payload.</summary>
    public const int PayloadBytes = 200;

    private const int Window = 32;

    private readonly MqttClientConnection _connection;
    private readonly DayLedger _ledger;
    private readonly TimeProvider _time;
    private readonly string _topic;
    private readonly List<long> _published = [];
    private readonly Queue<Task<MqttPublishResult>> _underWay = [];
    private double _temperature = 60;
    private int _number;

    private DayDevice(int index, MqttClientConnection connection, DayLedger ledger, TimeProvider time)
    {
        Index = index;
        _connection = connection;
        _ledger = ledger;
        _time = time;
        _topic = MachineWorld.TelemetryTopic(Name(index));
    }

    public int Index { get; }

    public static string Name(int index) => string.Create(CultureInfo.InvariantCulture, $"machine-{index:0000}");

    public static async Task<DayDevice> ConnectAsync(int index, int port, DayLedger ledger, TimeProvider time,
        CancellationToken cancellationToken) => new(index, await MqttClientConnection.ConnectAsync(
            new MqttClientOptions
            {
                Host = "127.0.0.1", Port = port, ClientId = Name(index), CleanStart = true, ConnectTimeout = TimeSpan.FromMinutes(1),
            },
            static _ => ValueTask.CompletedTask, time, cancellationToken), ledger, time);

    /// <summary>Publishes so many events as fast as it can; <paramref name="published"/> is told of each.</summary>
    public async Task PublishAsync(int count, Action published, CancellationToken cancellationToken)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        for (int i = 0; i < count; i++)
        {
            if (_underWay.Count == Window)
            {
                await TakeAsync();
            }

            cancellationToken.ThrowIfCancellationRequested();
            _underWay.Enqueue(_connection.PublishAsync(_topic, Payload(++_number), MqttQos.AtLeastOnce,
                cancellationToken: CancellationToken.None));
            published();
        }

        while (_underWay.Count > 0)
        {
            await TakeAsync();
        }
    }

    /// <summary>Publishes an event each period until it is stopped, and gives how long the agent took to acknowledge, in
    /// milliseconds.</summary>
    public async Task<List<double>> PublishPacedAsync(TimeSpan period, CancellationToken stop)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        List<double> taken = [];
        long began = _time.GetTimestamp();
        for (TimeSpan due = period; ; due += period)
        {
            TimeSpan wait = due - _time.GetElapsedTime(began);
            if (wait > TimeSpan.Zero)
            {
                await ((Task)Task.Delay(wait, _time, stop)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            if (stop.IsCancellationRequested)
            {
                return taken;
            }

            long sent = _time.GetTimestamp();
            lock (_published)
            {
                _published.Add(sent);
            }

            _underWay.Enqueue(_connection.PublishAsync(_topic, Payload(++_number), MqttQos.AtLeastOnce,
                cancellationToken: CancellationToken.None));
            await TakeAsync();
            taken.Add(_time.GetElapsedTime(sent).TotalMilliseconds);
        }
    }

    /// <summary>Milliseconds since an event was published at a pace, of a device that did nothing else; null for others.</summary>
    public double? Age(int number)
    {
        lock (_published)
        {
            return number <= _published.Count ? _time.GetElapsedTime(_published[number - 1]).TotalMilliseconds : null;
        }
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    /// <summary>The number in a payload; 0 when it is none.</summary>
    public static int NumberOf(ReadOnlySpan<byte> payload) =>
        payload.Length == PayloadBytes
            && int.TryParse(payload.Slice(5, 10), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : 0;

    private async Task TakeAsync()
    {
        MqttPublishResult result = await _underWay.Dequeue();
        if (result.ReasonCode >= MqttReasonCode.UnspecifiedError)
        {
            throw new IOException($"{_topic} was refused: {result.ReasonCode}");
        }

        _ledger.Acknowledge(Index);
    }

    private byte[] Payload(int number)
    {
        _temperature += ((number * 7919 % 1000) / 1000.0) - 0.5;
        byte[] payload = new byte[PayloadBytes];
        payload.AsSpan().Fill((byte)' ');
        string text = string.Create(CultureInfo.InvariantCulture,
            $"{{\"n\":{number:0000000000},\"temperatureC\":{_temperature:0.00},\"vibrationG\":0.{number * 31 % 10_000:0000},")
            + string.Create(CultureInfo.InvariantCulture, $"\"strokes\":{1_000_000L + (number * 3L)},\"program\":\"{Index:x8}\"}}");
        Encoding.ASCII.GetBytes(text, payload);
        return payload;
    }
}
