using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Streams.Testing;

/// <summary>
/// Loopback TCP ports nobody listens on. Taken from below the range the system uses for outgoing connections, so that neither a stray
/// client nor a client connecting to itself takes the port while a server restarts.
/// </summary>
public static class FreePort
{
    private const int Lowest = 10_000;
    private const int Highest = 32_000;

    private static readonly Lock Gate = new();
    private static readonly int End = FindEnd();

    // Test processes that run side by side begin at different places; 211 is wider than one process usually needs.
    private static int _next = Lowest + (int)(Environment.ProcessId * 211L % (End - Lowest));
    private static int _handedOut;

    /// <summary>A port that could be bound a moment ago. None is handed out twice in one process.</summary>
    public static int Next()
    {
        lock (Gate)
        {
            while (_handedOut < End - Lowest)
            {
                var port = _next;
                _next = port + 1 < End ? port + 1 : Lowest;
                _handedOut++;
                if (CanBind(port))
                {
                    return port;
                }
            }
        }

        throw new InvalidOperationException($"All ports from {Lowest} to {End} are taken or were handed out.");
    }

    private static bool CanBind(int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            socket.Listen(1);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static int FindEnd()
    {
        try
        {
            var range = File.ReadAllText("/proc/sys/net/ipv4/ip_local_port_range");
            var first = int.Parse(range.AsSpan(0, range.IndexOf('\t', StringComparison.Ordinal)), CultureInfo.InvariantCulture);
            return first > Lowest + 1_000 ? Math.Min(first, Highest) : Highest;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or FormatException or ArgumentException)
        {
            return Highest;
        }
    }
}
