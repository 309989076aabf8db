using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;

namespace Streams.Testing;

/// <summary>
/// One connection through a <see cref="CuttingProxy"/>: two sockets and a pump each way. An orderly end travels on as a half close; any
/// fault of one side resets the other. Whoever ends it, both sockets are closed when <see cref="RunAsync"/> returns.
/// </summary>
internal sealed class ProxiedConnection
{
    private const int ChunkBytes = 16 * 1024;

    /// <summary>With <see cref="ChunkBytes"/> at most 1 MiB underway per direction: a reader that stalls stalls the sender.</summary>
    private const int MaxChunks = 64;

    private readonly Socket _client;
    private readonly Socket _target;
    private readonly TimeProvider _time;
    private readonly TimeSpan _delay;
    private readonly CancellationTokenSource _cut = new();
    private volatile CutStyle _style = CutStyle.Close;
    private readonly Flow _toTarget = new();
    private readonly Flow _toClient = new();

    public ProxiedConnection(Socket client, Socket target, TimeProvider time, TimeSpan delay)
    {
        _client = client;
        _target = target;
        _time = time;
        _delay = delay;
    }

    /// <summary>Bytes, or the end of the stream, were kept from one side: the streams no longer agree.</summary>
    public bool HasSwallowed => _toTarget.HasSwallowed || _toClient.HasSwallowed;

    public void Cut(CutStyle style)
    {
        _style = style;
        _cut.Cancel();
    }

    public async Task RunAsync(int targetPort, FlowGate toTarget, FlowGate toClient)
    {
        try
        {
            if (!await ConnectAsync(targetPort))
            {
                return;
            }

            await Task.WhenAll(GuardAsync(_client, _target, toTarget, _toTarget), GuardAsync(_target, _client, toClient, _toClient));
        }
        finally
        {
            End(_client);
            End(_target);
        }
    }

    private async Task<bool> ConnectAsync(int targetPort)
    {
        try
        {
            await _target.ConnectAsync(new IPEndPoint(IPAddress.Loopback, targetPort), _cut.Token);
            return true;
        }
        catch (SocketException)
        {
            Cut(CutStyle.Reset);
            return false;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private async Task GuardAsync(Socket from, Socket to, FlowGate gate, Flow flow)
    {
        try
        {
            await PumpAsync(from, to, gate, flow);
        }
        catch (OperationCanceledException) when (_cut.IsCancellationRequested)
        {
            // The cut is the test's own doing.
        }
        catch (Exception exception) when (exception is SocketException or IOException or ObjectDisposedException)
        {
            Cut(CutStyle.Reset);
        }
    }

    private async Task PumpAsync(Socket from, Socket to, FlowGate gate, Flow flow)
    {
        var channel = Channel.CreateBounded<Chunk>(new BoundedChannelOptions(MaxChunks) { SingleReader = true, SingleWriter = true });
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(_cut.Token);
        var writing = WriteAsync(channel.Reader, to, gate, flow, stop);
        try
        {
            await ReadAsync(from, channel.Writer, stop.Token);
            channel.Writer.Complete();
        }
        catch (Exception exception)
        {
            // The writer forwards what arrived before the fault, then sees the fault.
            channel.Writer.Complete(exception);
        }

        await writing;
    }

    private async Task ReadAsync(Socket from, ChannelWriter<Chunk> chunks, CancellationToken cancellationToken)
    {
        var delayTicks = (long)(_delay.TotalSeconds * _time.TimestampFrequency);
        while (true)
        {
            var buffer = ArrayPool<byte>.Shared.Rent(ChunkBytes);
            var count = await from.ReceiveAsync(buffer.AsMemory(0, ChunkBytes), SocketFlags.None, cancellationToken);
            if (count == 0)
            {
                ArrayPool<byte>.Shared.Return(buffer);
                return;
            }

            await chunks.WriteAsync(new Chunk(buffer, count, _time.GetTimestamp() + delayTicks), cancellationToken);
        }
    }

    private async Task WriteAsync(ChannelReader<Chunk> chunks, Socket to, FlowGate gate, Flow flow, CancellationTokenSource stop)
    {
        try
        {
            await foreach (var chunk in chunks.ReadAllAsync(stop.Token))
            {
                await DeliverAsync(chunk, to, gate, flow, stop.Token);
                ArrayPool<byte>.Shared.Return(chunk.Buffer);
            }

            if (await gate.EnterAsync(stop.Token))
            {
                to.Shutdown(SocketShutdown.Send);
            }
            else
            {
                flow.HasSwallowed = true;
            }
        }
        catch
        {
            // The reader must not wait for a peer that only this side knows to be gone.
            await stop.CancelAsync();
            throw;
        }
    }

    private async ValueTask DeliverAsync(Chunk chunk, Socket to, FlowGate gate, Flow flow, CancellationToken cancellationToken)
    {
        await gate.WaitUntilAsync(chunk.DueAt, cancellationToken);
        await gate.PaceAsync(chunk.Count, cancellationToken);

        // Once something was swallowed nothing may follow it: no network loses bytes out of the middle of a TCP stream. The other
        // way goes on.
        var passes = await gate.EnterAsync(cancellationToken);
        if (!passes || flow.HasSwallowed)
        {
            flow.HasSwallowed = true;
            gate.CountSwallowed(chunk.Count);
            return;
        }

        // Counted first, so that whoever has received a byte finds it counted.
        gate.CountDelivered(chunk.Count);
        var sent = 0;
        while (sent < chunk.Count)
        {
            sent += await to.SendAsync(chunk.Buffer.AsMemory(sent, chunk.Count - sent), SocketFlags.None, cancellationToken);
        }
    }

    private void End(Socket socket)
    {
        if (_cut.IsCancellationRequested && _style == CutStyle.Reset)
        {
            socket.LingerState = new LingerOption(true, 0);
        }

        socket.Dispose();
    }

    /// <summary>One direction of this connection.</summary>
    private sealed class Flow
    {
        private volatile bool _hasSwallowed;

        public bool HasSwallowed
        {
            get => _hasSwallowed;
            set => _hasSwallowed = value;
        }
    }

    private readonly record struct Chunk(byte[] Buffer, int Count, long DueAt);
}
