using System.Buffers;
using Microsoft.Extensions.Logging;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>Tells SDK clients where to go when this cluster is lost: each when it connects, all again when it has changed noticeably, at
/// most once in <see cref="Period"/>.</summary>
/// <remarks>Failure: advice is never worth a connection. A client that does not read is left out until the next change; one whose
/// connection fails ends by itself.</remarks>
internal sealed class HintBoard : IDisposable
{
    /// <summary>How often the devices are counted.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromSeconds(10);

    private readonly GatewayServices _services;
    private readonly SpreadRule _rule;
    private readonly Func<IEnumerable<MqttSession>> _sessions;
    private readonly Func<int> _devices;
    private readonly ITimer _timer;
    private readonly Lock _lock = new();
    private SpreadHint _told;
    private byte[] _message;

    public HintBoard(GatewayServices services, Func<int> devices, Func<IEnumerable<MqttSession>> sessions)
    {
        _services = services;
        _devices = devices;
        _sessions = sessions;
        _rule = new SpreadRule(services.Options.DevicesElsewhere, services.Options.DevicesPerSecond);
        _told = _rule.Hint(0);
        _message = Write(_told);
        _timer = services.Time.CreateTimer(static board => ((HintBoard)board!).LookQuietly(), this, Period, Period);
    }

    /// <summary>What is told now.</summary>
    public SpreadHint Told
    {
        get
        {
            lock (_lock)
            {
                return _told;
            }
        }
    }

    /// <summary>Writes the hint to a client that asked for it; it goes out with the next flush.</summary>
    /// <exception cref="MqttConnectionClosedException">The connection is gone.</exception>
    public void Greet(MqttSession session)
    {
        if (session.Client.TakesHints)
        {
            session.Sdk.Send(ProtocolTopics.Hint, Message());
            _services.Meter.Hints.Add(1);
        }
    }

    /// <summary>Counts the devices and tells all when that changes the hint noticeably.</summary>
    public void Look()
    {
        int devices = _devices();
        SpreadHint now = _rule.Hint(devices);
        byte[] message;
        lock (_lock)
        {
            if (!SpreadRule.IsNews(_told, now))
            {
                return;
            }

            _told = now;
            message = _message = Write(now);
        }

        int told = 0;
        foreach (MqttSession session in _sessions())
        {
            told += session.Client.TakesHints && Tell(session, message) ? 1 : 0;
        }

        _services.Meter.Hints.Add(told);
        GatewayLog.Hinted(_services.Log, told, now.Window, devices);
    }

    /// <summary>Tells nobody more.</summary>
    public void Dispose() => _timer.Dispose();

    // On a timer's thread, where a fault would end the process.
    private void LookQuietly()
    {
        try
        {
            Look();
        }
        catch (Exception e)
        {
            GatewayLog.HintsFailed(_services.Log, e);
        }
    }

    private byte[] Message()
    {
        lock (_lock)
        {
            return _message;
        }
    }

    private bool Tell(MqttSession session, byte[] message)
    {
        if (session.Connection.UnflushedBytes > _services.Options.WriteBufferBytes)
        {
            return false;
        }

        try
        {
            session.Sdk.Send(ProtocolTopics.Hint, message);
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            return false;
        }

        _ = FlushAsync(session);
        return true;
    }

    private static async Task FlushAsync(MqttSession session)
    {
        try
        {
            await session.Connection.FlushAsync(session.Stopping).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
        {
            // The client is gone, which its session sees too.
        }
    }

    private static byte[] Write(SpreadHint hint)
    {
        ArrayBufferWriter<byte> output = new();
        ByteWriter writer = new(output);
        hint.Write(ref writer);
        return output.WrittenSpan.ToArray();
    }
}
