using System.Globalization;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>Lets no more connections in than <see cref="MqttGatewayOptions.AcceptRate"/> and answers the others with "server busy" and
/// when to come again. Safe for use by many threads.</summary>
internal sealed class AcceptGate
{
    /// <summary>Longest wait that a client is told.</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan LogPeriod = TimeSpan.FromSeconds(10);

    private readonly GatewayServices _services;
    private readonly AcceptBucket? _bucket;
    private readonly Lock _lock = new();
    private TimeSpan? _loggedAt;
    private long _sinceLogged;

    public AcceptGate(GatewayServices services)
    {
        _services = services;
        _bucket = services.Options.AcceptRate > 0 ? new AcceptBucket(services.Options.AcceptRate, LongestWait) : null;
    }

    /// <summary>Lets a connection in: <see langword="null"/>. Else the answer to it.</summary>
    public MqttConnackPacket? TryEnter()
    {
        if (_bucket is null)
        {
            return null;
        }

        TimeSpan? wait;
        lock (_lock)
        {
            TimeSpan now = _services.Time.GetElapsedTime(0);
            wait = _bucket.TryTake(now);
            if (wait is not null)
            {
                Count(now);
            }
        }

        return wait is { } told ? Answer(told) : null;
    }

    private static MqttConnackPacket Answer(TimeSpan wait)
    {
        string milliseconds = ((long)Math.Ceiling(wait.TotalMilliseconds)).ToString(CultureInfo.InvariantCulture);
        return new MqttConnackPacket
        {
            ReasonCode = MqttReasonCode.ServerBusy,
            Properties = new MqttProperties { ReasonString = $"many connect at this moment: come again in {milliseconds} ms" }
                .Add(ProtocolTopics.RetryAfterProperty, milliseconds),
        };
    }

    // A storm is told of as one, not by a line each.
    private void Count(TimeSpan now)
    {
        _services.Meter.Busy.Add(1);
        _sinceLogged++;
        if (_loggedAt is not { } at || now - at >= LogPeriod)
        {
            GatewayLog.Storm(_services.Log, _sinceLogged, _services.Options.AcceptRate);
            _loggedAt = now;
            _sinceLogged = 0;
        }
    }
}
