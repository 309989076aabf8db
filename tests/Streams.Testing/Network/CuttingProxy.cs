using System.Net;
using System.Net.Sockets;

namespace Streams.Testing;

/// <summary>
/// A line between a client and a server on loopback that a test can cut, block one way, stall, slow down and mend. The ends use real
/// sockets and see what a bad network shows them.
/// </summary>
/// <remarks>Safe from several threads. A target that refuses shows to the client as a reset during or right after connecting.</remarks>
public sealed class CuttingProxy : IAsyncDisposable
{
    /// <summary>Further connections are reset: a client that reconnects in a tight loop must not eat the test process.</summary>
    public const int MaxConnections = 1_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<ProxiedConnection, Task> _connections = [];
    private readonly FlowGate _toTarget;
    private readonly FlowGate _toClient;
    private readonly TimeProvider _time;
    private readonly TimeSpan _delay;
    private Socket? _listener;
    private Task _accepting = Task.CompletedTask;
    private CutStyle _cutStyle;
    private bool _disposed;
    private long _accepted;

    private CuttingProxy(int targetPort, CuttingProxyOptions options, TimeProvider time)
    {
        TargetPort = targetPort;
        Port = options.Port ?? FreePort.Next();
        _time = time;
        _delay = options.Delay;
        _toTarget = new FlowGate(time, options.MaxBytesPerSecond);
        _toClient = new FlowGate(time, options.MaxBytesPerSecond);
    }

    /// <summary>Where clients connect, on 127.0.0.1. The same before and after a cut.</summary>
    public int Port { get; }

    public int TargetPort { get; }

    /// <summary>Connections accepted so far.</summary>
    public long ConnectionsAccepted => Interlocked.Read(ref _accepted);

    /// <summary>Connections open now.</summary>
    public int ConnectionsOpen
    {
        get
        {
            lock (_gate)
            {
                return _connections.Count;
            }
        }
    }

    /// <summary>Bytes handed to the target so far, over all connections.</summary>
    public long BytesToTarget => _toTarget.Delivered;

    /// <summary>Bytes handed to clients so far, over all connections.</summary>
    public long BytesToClient => _toClient.Delivered;

    /// <summary>Bytes swallowed so far, both ways.</summary>
    public long BytesSwallowed => _toTarget.Swallowed + _toClient.Swallowed;

    /// <summary>Listens at once. The target need not be up yet.</summary>
    public static CuttingProxy Start(int targetPort, CuttingProxyOptions? options = null, TimeProvider? time = null)
    {
        var proxy = new CuttingProxy(targetPort, options ?? new CuttingProxyOptions(), time ?? TimeProvider.System);
        proxy.Listen();
        return proxy;
    }

    /// <summary>Ends every connection and refuses new ones. When this returns both ends have been told and the port is closed.</summary>
    public async Task CutAsync(CutStyle style = CutStyle.Reset)
    {
        Task[] ending;
        lock (_gate)
        {
            _cutStyle = style;
            _listener?.Dispose();
            _listener = null;
            ending = [_accepting, .. _connections.Values];
            foreach (var connection in _connections.Keys)
            {
                connection.Cut(style);
            }
        }

        await Task.WhenAll(ending);
    }

    /// <summary>
    /// Keeps connections open, accepts new ones, and swallows every byte (and the end of the stream) of one direction: the sender sees
    /// nothing amiss. Calling it for both directions makes a black hole.
    /// </summary>
    public void CutOneWay(Direction direction) => Gate(direction).Set(FlowMode.Swallow);

    /// <summary>Holds the bytes of one direction back, as packet loss does: the sender is stalled once the buffers are full.
    /// <see cref="Restore"/> lets them go on their way.</summary>
    public void Stall(Direction direction) => Gate(direction).Set(FlowMode.Hold);

    /// <summary>
    /// Mends the line: listens again, passes bytes again. Connections that lost bytes to <see cref="CutOneWay"/> are reset, for a TCP
    /// stream with a hole in it exists in no network.
    /// </summary>
    public void Restore()
    {
        lock (_gate)
        {
            foreach (var connection in _connections.Keys)
            {
                if (connection.HasSwallowed)
                {
                    connection.Cut(CutStyle.Reset);
                }
            }
        }

        _toTarget.Set(FlowMode.Pass);
        _toClient.Set(FlowMode.Pass);
        Listen();
    }

    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _disposed = true;
        }

        await CutAsync();
    }

    private FlowGate Gate(Direction direction) => direction == Direction.ToTarget ? _toTarget : _toClient;

    private void Listen()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_listener is not null)
            {
                return;
            }

            var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                // Lingering connections of before a cut must not block the port.
                listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
                listener.Bind(new IPEndPoint(IPAddress.Loopback, Port));
                listener.Listen(128);
            }
            catch
            {
                listener.Dispose();
                throw;
            }

            _listener = listener;
            _accepting = AcceptAsync(listener);
        }
    }

    private async Task AcceptAsync(Socket listener)
    {
        // Off the caller's lock and context before the first accept.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        while (true)
        {
            Socket client;
            try
            {
                client = await listener.AcceptAsync();
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                return;
            }

            Interlocked.Increment(ref _accepted);
            Admit(listener, client);
        }
    }

    private void Admit(Socket listener, Socket client)
    {
        var target = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        client.NoDelay = true;
        var connection = new ProxiedConnection(client, target, _time, _delay);
        lock (_gate)
        {
            if (_listener != listener || _connections.Count == MaxConnections)
            {
                connection.Cut(_listener == listener ? CutStyle.Reset : _cutStyle);
            }

            _connections.Add(connection, RunAsync(connection));
        }
    }

    private async Task RunAsync(ProxiedConnection connection)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            await connection.RunAsync(TargetPort, _toTarget, _toClient);
        }
        finally
        {
            lock (_gate)
            {
                _connections.Remove(connection);
            }
        }
    }
}
