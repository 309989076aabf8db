using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Streams.EdgeAgent;

/// <summary>Tells systemd how the agent is (<c>sd_notify</c>): ready, stopping, alive. Does nothing where there is no systemd. What
/// cannot be told is logged once; the agent runs on.</summary>
internal sealed class ServiceNotice : IDisposable
{
    private readonly Socket? _socket;
    private readonly UnixDomainSocketEndPoint? _at;
    private readonly ILogger _logger;
    private readonly ITimer? _alive;
    private bool _complained;

    /// <summary>Begins to tell that the agent is alive, when systemd asked for it.</summary>
    /// <param name="environment">A variable of the environment: <c>NOTIFY_SOCKET</c>, <c>WATCHDOG_USEC</c>, <c>WATCHDOG_PID</c>.</param>
    /// <param name="isAlive">Whether the agent does its work: while it does not, systemd is told nothing and ends the process.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where it complains.</param>
    public ServiceNotice(Func<string, string?> environment, Func<bool> isAlive, TimeProvider time, ILogger logger)
    {
        _logger = logger;
        if (environment("NOTIFY_SOCKET") is not { Length: > 1 } path)
        {
            return;
        }

        _at = new UnixDomainSocketEndPoint(path[0] == '@' ? "\0" + path[1..] : path);
        _socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        if (Interval(environment("WATCHDOG_USEC"), environment("WATCHDOG_PID"), Environment.ProcessId) is { } interval)
        {
            _alive = time.CreateTimer(_ =>
            {
                if (isAlive())
                {
                    Tell("WATCHDOG=1");
                }
            }, null, TimeSpan.Zero, interval);
        }
    }

    /// <summary>How often to tell: twice in the time that systemd waits; <see langword="null"/> for never.</summary>
    public static TimeSpan? Interval(string? microseconds, string? process, int ownProcess)
    {
        bool isOurs = process is null || (int.TryParse(process, CultureInfo.InvariantCulture, out int id) && id == ownProcess);
        return isOurs && long.TryParse(microseconds, NumberStyles.None, CultureInfo.InvariantCulture, out long wait) && wait >= 2000
            ? TimeSpan.FromMicroseconds(wait / 2) : null;
    }

    /// <summary>The agent serves.</summary>
    public void Ready(string status) => Tell($"READY=1\nSTATUS={status}");

    /// <summary>The agent stops, and needs this long for it at most.</summary>
    public void Stopping(TimeSpan limit) => Tell(string.Create(
        CultureInfo.InvariantCulture, $"STOPPING=1\nSTATUS=draining\nEXTEND_TIMEOUT_USEC={(long)limit.TotalMicroseconds}"));

    /// <summary>Tells nothing more.</summary>
    public void Dispose()
    {
        _alive?.Dispose();
        _socket?.Dispose();
    }

    private void Tell(string text)
    {
        if (_socket is null)
        {
            return;
        }

        try
        {
            _socket.SendTo(Encoding.UTF8.GetBytes(text), _at!);
            _complained = false;
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            if (!_complained)
            {
                _complained = true;
                AgentLog.NotifyFailed(_logger, fault.Message);
            }
        }
    }
}
