using System.Buffers;
using System.IO.Pipelines;

namespace Streams.Mqtt;

/// <summary>
/// The receiving half of a connection. Decodes all packets of one pipe buffer before it asks the pipe again, and gives the buffer
/// back only then: the payload of the last packet stays valid until the next read.
/// </summary>
internal sealed class PacketInput
{
    private readonly PipeReader _reader;
    private readonly Lock _gate = new();
    private ReadOnlySequence<byte> _buffer;
    private bool _holdsBuffer;
    private bool _atEnd;
    private Exception? _failure;
    private bool _reading;
    private bool _closed;

    public PacketInput(PipeReader reader, MqttDecodeOptions options)
    {
        _reader = reader;
        Options = options;
    }

    public MqttDecodeOptions Options { get; private set; }

    public void AllowPacketSize(int bytes)
    {
        lock (_gate)
        {
            if (_reading)
            {
                throw new InvalidOperationException("A read is under way: it could be judging a packet by the size allowed before.");
            }

            Options = Options with { MaximumPacketSize = bytes };
        }
    }

    public async ValueTask<MqttPacket?> ReadAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_closed)
            {
                return null;
            }

            if (_reading)
            {
                throw new InvalidOperationException("A read is under way: a connection has one reader at a time.");
            }

            _reading = true;
        }

        try
        {
            return await ReadNextAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            lock (_gate)
            {
                _reading = false;
                if (_closed)
                {
                    Complete();
                }
            }
        }
    }

    /// <summary>Wakes a pending read and gives the pipe back; afterwards every read gives null.</summary>
    public void Close()
    {
        lock (_gate)
        {
            if (_closed)
            {
                return;
            }

            _closed = true;
            if (_reading)
            {
                _reader.CancelPendingRead();
            }
            else
            {
                Complete();
            }
        }
    }

    private async ValueTask<MqttPacket?> ReadNextAsync(CancellationToken cancellationToken)
    {
        if (_failure is not null)
        {
            throw _failure;
        }

        while (true)
        {
            if (_holdsBuffer)
            {
                if (TryDecode(out MqttPacket? packet))
                {
                    return packet;
                }

                _holdsBuffer = false;
                _reader.AdvanceTo(_buffer.Start, _buffer.End);
            }

            if (_atEnd)
            {
                return null;
            }

            ReadResult result;
            try
            {
                result = await _reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (Exception) when (Volatile.Read(ref _closed))
            {
                // The transport was closed under the read by this side.
                return null;
            }

            _buffer = result.Buffer;
            _holdsBuffer = true;
            _atEnd = result.IsCompleted;
            if (Volatile.Read(ref _closed))
            {
                return null;
            }
        }
    }

    private bool TryDecode(out MqttPacket? packet)
    {
        try
        {
            if (!MqttPacketReader.TryRead(ref _buffer, Options, out packet))
            {
                return false;
            }
        }
        catch (MqttProtocolException e)
        {
            _failure = e;
            throw;
        }

        if (packet is MqttConnectPacket connect)
        {
            // What follows CONNECT in the same buffer is already in the version it names.
            Options = Options with { Version = connect.Version };
        }

        return true;
    }

    private void Complete()
    {
        if (_holdsBuffer)
        {
            _holdsBuffer = false;
            _reader.AdvanceTo(_buffer.Start);
        }

        _reader.Complete();
    }
}
