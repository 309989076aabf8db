using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using Streams.Core;

namespace Streams.Geo;

/// <summary>Frames over a socket. One reader and one writer at a time. Frames are gathered until <see cref="FlushAsync"/>.</summary>
internal sealed class FrameConnection : IDisposable
{
    private readonly Socket _socket;
    private readonly NetworkStream _stream;
    private readonly PipeReader _reader;
    private readonly PipeWriter _writer;
    private readonly FrameWriter _frames = new();
    private long _bytesReceived;
    private long _bytesSent;

    public FrameConnection(Socket socket)
    {
        _socket = socket;
        _socket.NoDelay = true;
        _stream = new NetworkStream(socket, ownsSocket: true);
        _reader = PipeReader.Create(_stream, new StreamPipeReaderOptions(bufferSize: 64 << 10, useZeroByteReads: true)); // idle: no buffer
        _writer = PipeWriter.Create(_stream, new StreamPipeWriterOptions(minimumBufferSize: 16 << 10));
        Remote = socket.RemoteEndPoint?.ToString() ?? "?";
    }

    public string Remote { get; }

    public long BytesReceived => Interlocked.Read(ref _bytesReceived);

    public long BytesSent => Interlocked.Read(ref _bytesSent);

    /// <summary>Bytes written and not yet flushed.</summary>
    public long Unflushed => _writer.UnflushedBytes;

    public void Write(LinkFrame frame) => Interlocked.Add(ref _bytesSent, _frames.Write(_writer, frame));

    /// <summary>Nothing is to be sent for now: gives memory back.</summary>
    public void Rest() => _frames.Rest();

    public async ValueTask FlushAsync(CancellationToken cancellationToken) => await _writer.FlushAsync(cancellationToken);

    /// <summary>Hands over frames as they come, until the other side has said its last.</summary>
    /// <exception cref="InvalidFormatException">What came is no frame.</exception>
    /// <exception cref="IOException">The connection broke.</exception>
    public async Task ReadAsync(Func<int> maxBodyBytes, Action<LinkFrame> received, CancellationToken cancellationToken)
    {
        while (true)
        {
            ReadResult result = await _reader.ReadAsync(cancellationToken);
            ReadOnlySequence<byte> buffer = result.Buffer;
            long length = buffer.Length;
            while (FrameReader.TryRead(ref buffer, maxBodyBytes(), out LinkFrame? frame))
            {
                received(frame!);
            }

            Interlocked.Add(ref _bytesReceived, length - buffer.Length);
            _reader.AdvanceTo(buffer.Start, buffer.End);
            if (result.IsCompleted)
            {
                return;
            }
        }
    }

    /// <summary>Says that nothing more will be sent, so that the last frame arrives before the connection ends.</summary>
    public void EndSending()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // Already broken: then there is nobody to tell.
        }
    }

    public void Dispose() => _stream.Dispose();
}
