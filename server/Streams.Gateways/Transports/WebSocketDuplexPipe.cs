using System.IO.Pipelines;
using System.Net.WebSockets;

namespace Streams.Gateways;

/// <summary>The binary frames of a WebSocket as a stream of bytes: frames and packets need not align (MQTT 5, section 6).</summary>
/// <remarks>
/// While nothing comes it holds no buffer. Reading the pipe can be given up at any time without harm to the socket, which a read of the
/// socket itself cannot: that is what the pump between them is for.
/// <para>Failure: a text frame closes the socket with 1003 and fails the reader; a broken frame or a lost connection fails the reader;
/// a close frame ends it. A flush that is cancelled aborts the socket.</para>
/// </remarks>
internal sealed class WebSocketDuplexPipe : IDuplexPipe, IAsyncDisposable
{
    /// <summary>Room for what is received at once; rented when the first byte is there, given back when it was read.</summary>
    private const int ReceiveBytes = 16 << 10;

    private readonly WebSocket _socket;
    private readonly TimeSpan _closeLimit;
    private readonly TimeProvider _time;
    private readonly Pipe _received = new(new PipeOptions(minimumSegmentSize: ReceiveBytes, useSynchronizationContext: false));
    private readonly Task _pump;

    /// <summary>Begins to receive.</summary>
    /// <param name="socket">An open socket; disposed with this.</param>
    /// <param name="closeLimit">How long the other side may take to answer the close frame.</param>
    /// <param name="time">The clock.</param>
    public WebSocketDuplexPipe(WebSocket socket, TimeSpan closeLimit, TimeProvider time)
    {
        _socket = socket;
        _closeLimit = closeLimit;
        _time = time;
        Output = PipeWriter.Create(new FrameStream(socket), new StreamPipeWriterOptions(minimumBufferSize: ReceiveBytes, leaveOpen: true));
        _pump = PumpAsync();
    }

    /// <inheritdoc/>
    public PipeReader Input => _received.Reader;

    /// <inheritdoc/>
    public PipeWriter Output { get; }

    /// <summary>Says goodbye with a close frame, waits for the answer for a while, and ends the socket. The pipe must no longer be in
    /// use.</summary>
    public async ValueTask DisposeAsync()
    {
        // Whoever waits for room in the pipe shall not: what still comes is dropped.
        await _received.Reader.CompleteAsync().ConfigureAwait(false);
        using CancellationTokenSource limit = new(_closeLimit, _time);
        try
        {
            await CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, limit.Token).ConfigureAwait(false);
            await _pump.WaitAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _socket.Abort();
            await _pump.ConfigureAwait(false);
        }

        _socket.Dispose();
    }

    private async Task PumpAsync()
    {
        Exception? fault = null;
        try
        {
            while (await ReceiveAsync().ConfigureAwait(false))
            {
            }
        }
        catch (Exception e)
        {
            // Kept for the reader, as on any transport.
            fault = e as IOException ?? new IOException($"the WebSocket failed: {e.Message}", e);
        }

        await _received.Writer.CompleteAsync(fault).ConfigureAwait(false);
    }

    // False at the end.
    private async ValueTask<bool> ReceiveAsync()
    {
        // Waits without a buffer: it completes when a byte is there, or tells of a frame that has none.
        ValueWebSocketReceiveResult result = await _socket.ReceiveAsync(Memory<byte>.Empty, CancellationToken.None).ConfigureAwait(false);
        if (result is { MessageType: WebSocketMessageType.Binary, EndOfMessage: false })
        {
            Memory<byte> room = _received.Writer.GetMemory(ReceiveBytes);
            result = await _socket.ReceiveAsync(room, CancellationToken.None).ConfigureAwait(false);
        }

        switch (result.MessageType)
        {
            case WebSocketMessageType.Close:
                return false;
            case WebSocketMessageType.Text:
                using (CancellationTokenSource limit = new(_closeLimit, _time))
                {
                    await CloseOutputAsync(WebSocketCloseStatus.InvalidMessageType, "MQTT is spoken in binary frames", limit.Token)
                        .ConfigureAwait(false);
                }

                throw new IOException("a text frame came: MQTT is spoken in binary frames");
            default:
                _received.Writer.Advance(result.Count);
                await _received.Writer.FlushAsync().ConfigureAwait(false);
                return true;
        }
    }

    private async Task CloseOutputAsync(WebSocketCloseStatus status, string? reason, CancellationToken cancellationToken)
    {
        try
        {
            if (_socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
            {
                await _socket.CloseOutputAsync(status, reason, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is WebSocketException or ObjectDisposedException or InvalidOperationException or IOException)
        {
            // The connection is gone, which is what was wanted.
        }
    }

    /// <summary>The sending half: what is written at once is one frame.</summary>
    private sealed class FrameStream(WebSocket socket) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            try
            {
                await socket.SendAsync(buffer, WebSocketMessageType.Binary, endOfMessage: true, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (e is WebSocketException or ObjectDisposedException or InvalidOperationException)
            {
                throw new IOException($"the WebSocket failed: {e.Message}", e);
            }
        }

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
