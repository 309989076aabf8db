using System.Buffers;
using System.IO.Pipelines;

namespace Streams.Mqtt;

/// <summary>
/// Packets over a duplex pipe. Knows nothing of sessions, acknowledgements or keep alive.
/// <para>Reading: one reader at a time. Writing: any number of threads at once; packets go out whole, in the order of the calls.</para>
/// <para>
/// DISCONNECT is the last packet: writes behind it fail with <see cref="MqttConnectionClosedException"/>, flushing still works.
/// Failure: a packet that breaks the standard fails this and every later read; writing still works, so that the peer can be told.
/// A failed flush fails every later write and every waiting one. Disposing wakes a pending read (null) and fails pending writes.
/// </para>
/// </summary>
public sealed class MqttConnection : IAsyncDisposable
{
    private readonly PacketInput _input;
    private readonly PacketOutput _output;
    private readonly IAsyncDisposable? _transport;

    /// <summary>Makes a connection over a pipe.</summary>
    /// <param name="pipe">The bytes of the peer; completed when the connection is disposed.</param>
    /// <param name="options">What is accepted. A server leaves the version open: it is taken from CONNECT.</param>
    /// <param name="transport">What to dispose after the pipe (a socket, a stream), or <see langword="null"/>.</param>
    public MqttConnection(IDuplexPipe pipe, MqttDecodeOptions options, IAsyncDisposable? transport = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaximumPacketSize, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.MaximumPacketSize, MqttDecodeOptions.LargestPacket);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaximumItems, 1);
        _input = new PacketInput(pipe.Input, options);
        _output = new PacketOutput(pipe.Output);
        _transport = transport;
    }

    /// <summary>The version in use; <see langword="null"/> at a server before CONNECT.</summary>
    public MqttVersion? Version => _input.Options.Version;

    /// <summary>Bytes written and not yet taken by the transport. A writer that does not await can bound itself by it.</summary>
    public long UnflushedBytes => _output.UnflushedBytes;

    /// <summary>From the next packet on accepts packets of up to so many bytes, from 2 to <see cref="MqttDecodeOptions.LargestPacket"/>: a
    /// server takes less from who has not said CONNECT. Not while a read is under way.</summary>
    public void AllowPacketSize(int maximumPacketSize)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maximumPacketSize, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maximumPacketSize, MqttDecodeOptions.LargestPacket);
        _input.AllowPacketSize(maximumPacketSize);
    }

    /// <summary>Makes a connection over a stream, such as a network stream with or without TLS; the stream is disposed with it.</summary>
    public static MqttConnection FromStream(Stream stream, MqttDecodeOptions options)
    {
        return new MqttConnection(new StreamDuplexPipe(stream), options, stream);
    }

    /// <summary>
    /// Reads the next packet; <see langword="null"/> at the end of the stream (also in the middle of a packet) or when disposed.
    /// Calling it again gives the bytes of the packet before back to the transport: a PUBLISH payload is valid until then.
    /// Throws <see cref="MqttProtocolException"/> for a bad packet, and what the transport throws (<see cref="IOException"/>).
    /// </summary>
    public ValueTask<MqttPacket?> ReadAsync(CancellationToken cancellationToken = default) => _input.ReadAsync(cancellationToken);

    /// <summary>
    /// Gives the packet its place in the order of the wire and returns at once. It goes out with the next flush: call
    /// <see cref="FlushAsync"/> after the last of a batch. The packet and its payload are no longer needed when this returns.
    /// Throws <see cref="MqttProtocolException"/> when the packet cannot be written (the connection stays usable) and
    /// <see cref="MqttConnectionClosedException"/> when the connection is gone, <see cref="InvalidOperationException"/> when 256 MiB
    /// wait already.
    /// </summary>
    public void Write(MqttPacket packet) => _output.Write(packet, WriteVersion);

    /// <summary>As <see cref="Write"/>, for a PUBLISH without a packet object.</summary>
    public void WritePublish(in MqttPublishHead head, in ReadOnlySequence<byte> payload) =>
        _output.WritePublish(head, payload, WriteVersion);

    /// <summary>
    /// Completes when everything written before the call has been taken by the transport: this is where back-pressure is felt.
    /// Calls during a flush share the next one. Canceling stops the waiting, not the flush.
    /// </summary>
    public ValueTask FlushAsync(CancellationToken cancellationToken = default) => _output.FlushAsync(cancellationToken);

    /// <summary><see cref="Write"/>, then <see cref="FlushAsync"/>. The place in the order is taken before the call returns.</summary>
    public ValueTask WriteAsync(MqttPacket packet, CancellationToken cancellationToken = default)
    {
        _output.Write(packet, WriteVersion);
        return _output.FlushAsync(cancellationToken);
    }

    /// <summary>
    /// Closes the connection at once: what is not flushed is lost, so flush first what the peer shall see. May be called while a
    /// read or a flush is pending, and again.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        _output.Close(new MqttConnectionClosedException("The connection was closed by this side."));
        _input.Close();
        if (_transport is not null)
        {
            await _transport.DisposeAsync().ConfigureAwait(false);
        }
    }

    // Before CONNECT only a refusal can be written; 5 can say why.
    private MqttVersion WriteVersion => Version ?? AnswerVersion;

    /// <summary>The version a server writes in before, or without, a valid CONNECT. Default: 5.</summary>
    public MqttVersion AnswerVersion { get; set; } = MqttVersion.V5;
}
