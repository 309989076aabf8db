using System.Net;
using System.Net.Sockets;

namespace Streams.Bench;

/// <summary>A line to a server that counts the bytes it carries, and can be cut.</summary>
internal sealed class Relay : IDisposable
{
    private readonly Socket _listener = new(SocketType.Stream, ProtocolType.Tcp);
    private readonly IPEndPoint _target;
    private readonly Lock _gate = new();
    private readonly List<Socket> _open = [];
    private bool _isCut;
    private long _up;

    public Relay(IPEndPoint target)
    {
        _target = target;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(16);
        _ = Task.Run(AcceptAsync);
    }

    /// <summary>Where to connect.</summary>
    public IPEndPoint Address => (IPEndPoint)_listener.LocalEndPoint!;

    /// <summary>Bytes carried to the server.</summary>
    public long BytesUp => Interlocked.Read(ref _up);

    /// <summary>Ends connections, and every new one at once, until it is mended.</summary>
    public void Cut(bool isCut)
    {
        lock (_gate)
        {
            _isCut = isCut;
            if (isCut)
            {
                _open.ForEach(static s => s.Dispose());
                _open.Clear();
            }
        }
    }

    public void Dispose()
    {
        _listener.Dispose();
        Cut(isCut: true);
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket near = await _listener.AcceptAsync();
                Socket far = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                near.NoDelay = true;
                lock (_gate)
                {
                    _open.AddRange([near, far]);
                    if (_isCut)
                    {
                        near.Dispose();
                    }
                }

                _ = CarryAsync(near, far);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It was disposed.
        }
    }

    private async Task CarryAsync(Socket near, Socket far)
    {
        try
        {
            await far.ConnectAsync(_target);
            await Task.WhenAny(PumpAsync(near, far, counts: true), PumpAsync(far, near, counts: false));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Cut, or nobody is there.
        }

        near.Dispose();
        far.Dispose();
    }

    private async Task PumpAsync(Socket from, Socket to, bool counts)
    {
        byte[] buffer = new byte[64 << 10];
        try
        {
            for (int read; (read = await from.ReceiveAsync(buffer.AsMemory())) > 0;)
            {
                for (int sent = 0; sent < read;)
                {
                    sent += await to.SendAsync(buffer.AsMemory(sent, read - sent));
                }

                Interlocked.Add(ref _up, counts ? read : 0);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The other direction ends with it.
        }
    }
}
