using System.Net.WebSockets;

namespace Streams.Mqtt;

/// <summary>The binary frames of a client's WebSocket as a stream of bytes: frames and packets need not align (MQTT 5, section
/// 6).</summary>
/// <remarks>One reader and one writer at a time. A read that is cancelled leaves the socket whole: what waits, waits without a
/// buffer. A text frame, a broken frame and a lost connection fail the read; a close frame ends it.</remarks>
internal sealed class WebSocketStream : Stream
{
    private const string Protocol = "mqtt";

    private readonly ClientWebSocket _socket;
    private readonly HttpMessageInvoker _http;
    private readonly Stream _transport;
    private readonly TimeSpan _closeLimit;
    private Task<ValueWebSocketReceiveResult>? _arrival;
    private int _disposed;

    private WebSocketStream(ClientWebSocket socket, HttpMessageInvoker http, Stream transport, TimeSpan closeLimit)
    {
        _socket = socket;
        _http = http;
        _transport = transport;
        _closeLimit = closeLimit;
    }

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Asks for the upgrade over a connected stream, which becomes this one's own once it has succeeded.</summary>
    /// <exception cref="IOException">The server does not speak MQTT over WebSocket there.</exception>
    public static async ValueTask<WebSocketStream> OpenAsync(Stream transport, string host, int port, string path, TimeSpan closeLimit,
        CancellationToken cancellationToken)
    {
        // TLS, where it is wished, is in the stream already: to HTTP it is a plain connection that stands.
        Uri address = new($"ws://{(host.Contains(':', StringComparison.Ordinal) ? $"[{host}]" : host)}:{port}{path}");
        Stream? handed = transport;
        HttpMessageInvoker http = new(new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ConnectCallback = (_, _) => Interlocked.Exchange(ref handed, null) is { } stream
                ? ValueTask.FromResult(stream)
                : ValueTask.FromException<Stream>(new IOException("one connection serves one upgrade")),
        });
        ClientWebSocket socket = new();
        try
        {
            socket.Options.AddSubProtocol(Protocol);
            socket.Options.KeepAliveInterval = Timeout.InfiniteTimeSpan;       // MQTT has its own
            await socket.ConnectAsync(address, http, cancellationToken).ConfigureAwait(false);
            return socket.SubProtocol == Protocol
                ? new WebSocketStream(socket, http, transport, closeLimit)
                : throw new IOException($"The server at {address} did not agree on the subprotocol '{Protocol}'.");
        }
        catch (Exception e)
        {
            socket.Dispose();
            http.Dispose();
            throw e is WebSocketException
                ? new IOException($"No WebSocket at {address}: {e.Message} {e.InnerException?.Message}".TrimEnd(), e.InnerException) : e;
        }
    }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            while (true)
            {
                // Waits without a buffer: a read of the socket that is cancelled would abort it, or write later into memory given back.
                _arrival ??= _socket.ReceiveAsync(Memory<byte>.Empty, CancellationToken.None).AsTask();
                ValueWebSocketReceiveResult result = await _arrival.WaitAsync(cancellationToken).ConfigureAwait(false);
                _arrival = null;
                if (result is { MessageType: WebSocketMessageType.Binary, EndOfMessage: false } && !buffer.IsEmpty)
                {
                    result = await _socket.ReceiveAsync(buffer, CancellationToken.None).ConfigureAwait(false);
                }

                switch (result.MessageType)
                {
                    case WebSocketMessageType.Close:
                        return 0;
                    case WebSocketMessageType.Text:
                        throw new IOException("A text frame came: MQTT is spoken in binary frames.");
                    default:
                        if (result.Count > 0 || buffer.IsEmpty)
                        {
                            return result.Count;
                        }

                        break;
                }
            }
        }
        catch (Exception e) when (IsLoss(e))
        {
            throw Lost(e);
        }
    }

    /// <inheritdoc/>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            await _socket.SendAsync(buffer, WebSocketMessageType.Binary, endOfMessage: true, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (IsLoss(e))
        {
            throw Lost(e);
        }
    }

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <summary>Says goodbye with a close frame, if that goes within the time limit, and ends the connection.</summary>
    public override async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            try
            {
                if (_socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
                {
                    using CancellationTokenSource limit = new(_closeLimit, TimeProvider.System);
                    await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, limit.Token).ConfigureAwait(false);
                }
            }
            catch (Exception e) when (IsLoss(e) || e is OperationCanceledException or IOException)
            {
                // A courtesy: the connection ends either way.
            }

            await EndAsync().ConfigureAwait(false);
        }

        await base.DisposeAsync().ConfigureAwait(false);
    }

    private async ValueTask EndAsync()
    {
        _socket.Dispose();
        _http.Dispose();
        await _transport.DisposeAsync().ConfigureAwait(false);
        if (_arrival is { } left)
        {
            // Its failure is the end that was wished.
            await ((Task)left).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static bool IsLoss(Exception e) => e is WebSocketException or ObjectDisposedException or InvalidOperationException;

    // With what is inside, by which the owner tells a lost peer from a lost network.
    private static IOException Lost(Exception e) => new($"The WebSocket failed: {e.Message}", e.InnerException);
}
