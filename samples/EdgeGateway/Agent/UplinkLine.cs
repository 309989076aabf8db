using System.Net;
using System.Net.Sockets;

namespace EdgeGateway;

/// <summary>The agent's line to one cluster, which can be cut, held up and mended: TCP in, TCP out. Counts what it carries.</summary>
internal sealed class UplinkLine : IAsyncDisposable
{
    private const int BufferBytes = 64 << 10;

    private readonly Lock _gate = new();
    private readonly int _target;
    private readonly HashSet<Socket> _open = [];
    private Socket? _listener;
    private Task _accepting = Task.CompletedTask;
    private TaskCompletionSource _flows = Flowing();
    private long _up;
    private long _down;

    public UplinkLine(int port, int target)
    {
        Port = port;
        _target = target;
        Mend();
    }

    /// <summary>Where the agent connects.</summary>
    public int Port { get; }

    /// <summary>Bytes carried from the agent to the cluster.</summary>
    public long BytesUp => Interlocked.Read(ref _up);

    /// <summary>Bytes carried from the cluster to the agent.</summary>
    public long BytesDown => Interlocked.Read(ref _down);

    /// <summary>Both ends see a reset, and new connections are refused.</summary>
    public void Cut()
    {
        lock (_gate)
        {
            _listener?.Dispose();
            _listener = null;
            foreach (Socket socket in _open)
            {
                Reset(socket);
            }

            _open.Clear();
        }
    }

    /// <summary>Connections stay, and nothing passes.</summary>
    public void Stall()
    {
        lock (_gate)
        {
            _flows = _flows.Task.IsCompleted ? new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously) : _flows;
        }
    }

    /// <summary>Carries again.</summary>
    public void Mend()
    {
        lock (_gate)
        {
            _flows.TrySetResult();
            if (_listener is null)
            {
                Socket listener = new(SocketType.Stream, ProtocolType.Tcp);
                listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
                listener.Bind(new IPEndPoint(IPAddress.Loopback, Port));
                listener.Listen(16);
                _listener = listener;
                _accepting = AcceptAsync(listener);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        Cut();
        Task accepting;
        lock (_gate)
        {
            _flows.TrySetResult();
            accepting = _accepting;
        }

        await accepting;
    }

    private static TaskCompletionSource Flowing()
    {
        TaskCompletionSource flows = new();
        flows.SetResult();
        return flows;
    }

    private static void Reset(Socket socket)
    {
        socket.LingerState = new LingerOption(true, 0);
        socket.Dispose();
    }

    private async Task AcceptAsync(Socket listener)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        List<Task> carrying = [];
        try
        {
            while (true)
            {
                Socket agent = await listener.AcceptAsync();
                Socket cluster = new(SocketType.Stream, ProtocolType.Tcp);
                lock (_gate)
                {
                    if (_listener != listener)
                    {
                        Reset(agent);
                        continue;
                    }

                    _open.UnionWith([agent, cluster]);
                }

                carrying.RemoveAll(static t => t.IsCompleted);
                carrying.Add(CarryAsync(agent, cluster));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(carrying);
        }
    }

    private async Task CarryAsync(Socket agent, Socket cluster)
    {
        try
        {
            (agent.NoDelay, cluster.NoDelay) = (true, true);
            await cluster.ConnectAsync(IPAddress.Loopback, _target);
            Task up = PumpAsync(agent, cluster, static (line, bytes) => Interlocked.Add(ref line._up, bytes));
            Task down = PumpAsync(cluster, agent, static (line, bytes) => Interlocked.Add(ref line._down, bytes));
            await Task.WhenAny(up, down);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The cluster is down, or the line was cut.
        }

        lock (_gate)
        {
            _open.ExceptWith([agent, cluster]);
        }

        agent.Dispose();
        cluster.Dispose();
    }

    private async Task PumpAsync(Socket from, Socket to, Action<UplinkLine, int> count)
    {
        byte[] buffer = new byte[BufferBytes];
        try
        {
            while (true)
            {
                int read = await from.ReceiveAsync(buffer.AsMemory());
                Task flows;
                lock (_gate)
                {
                    flows = _flows.Task;
                }

                await flows;
                for (int sent = 0; sent < read;)
                {
                    sent += await to.SendAsync(buffer.AsMemory(sent, read - sent));
                }

                if (read == 0)
                {
                    return;
                }

                count(this, read);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The other end is closed too, by whoever waits for this.
        }
    }
}
