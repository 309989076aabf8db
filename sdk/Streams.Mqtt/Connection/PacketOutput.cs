using System.Buffers;
using System.IO.Pipelines;

namespace Streams.Mqtt;

/// <summary>
/// The sending half of a connection. A pipe may not be written while it is flushed, so what is written meanwhile is collected
/// beside it and goes out with one later flush. The lock is held to encode and to swap, never across a flush.
/// </summary>
internal sealed class PacketOutput
{
    // Larger leftovers are given back, so that one burst does not hold memory for the life of the connection.
    private const int KeptBytes = 64 * 1024;

    // A bug stop, not a buffer size: whoever awaits its writes stays far below.
    private const long MaximumUnflushedBytes = 256L * 1024 * 1024;

    private readonly PipeWriter _writer;
    private readonly Lock _gate = new();
    private ArrayBufferWriter<byte> _aside = new();
    private long _inPipe;
    private bool _flushing;
    private TaskCompletionSource? _running;
    private TaskCompletionSource? _next;
    private Exception? _failure;
    private bool _completed;
    private bool _saidGoodbye;

    public PacketOutput(PipeWriter writer)
    {
        _writer = writer;
    }

    public long UnflushedBytes
    {
        get
        {
            lock (_gate)
            {
                return _inPipe + _aside.WrittenCount;
            }
        }
    }

    public void Write(MqttPacket packet, MqttVersion version)
    {
        lock (_gate)
        {
            Count(MqttPacketWriter.Write(Target(), packet, version));
            _saidGoodbye = packet is MqttDisconnectPacket;
        }
    }

    public void WritePublish(in MqttPublishHead head, in ReadOnlySequence<byte> payload, MqttVersion version)
    {
        lock (_gate)
        {
            Count(MqttPacketWriter.WritePublish(Target(), head, payload, version));
        }
    }

    public ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            ThrowIfFailed();
            if (_flushing)
            {
                TaskCompletionSource? carrier = _aside.WrittenCount > 0 ? _next ??= NewSource() : _running ??= NewSource();
                return new ValueTask(carrier.Task.WaitAsync(cancellationToken));
            }

            if (_inPipe == 0)
            {
                return default;
            }

            _flushing = true;
        }

        return StartFlush(cancellationToken);
    }

    public void Close(Exception reason)
    {
        lock (_gate)
        {
            _failure ??= reason;
            if (_flushing)
            {
                _writer.CancelPendingFlush();
            }
            else
            {
                Complete();
            }
        }
    }

    // Without back-pressure the flush is over at once, and nothing is allocated.
    private ValueTask StartFlush(CancellationToken cancellationToken)
    {
        ValueTask<FlushResult> flush;
        try
        {
            flush = _writer.FlushAsync(CancellationToken.None);
            if (flush.IsCompletedSuccessfully)
            {
                if (!TryEnd(flush.Result))
                {
                    _ = DrainAsync(_writer.FlushAsync(CancellationToken.None));
                }

                return default;
            }
        }
        catch (Exception e)
        {
            throw Fail(e);
        }

        Task mine;
        lock (_gate)
        {
            mine = (_running ??= NewSource()).Task;
        }

        // Runs to its end whoever waits; its failure is kept and given to every waiter.
        _ = DrainAsync(flush);
        return new ValueTask(mine.WaitAsync(cancellationToken));
    }

    private async Task DrainAsync(ValueTask<FlushResult> flush)
    {
        try
        {
            while (!TryEnd(await flush.ConfigureAwait(false)))
            {
                flush = _writer.FlushAsync(CancellationToken.None);
            }
        }
        catch (Exception e)
        {
            Fail(e);
        }
    }

    // After a flush: true when there is nothing more to send; false when what was collected now stands in the pipe.
    private bool TryEnd(FlushResult result)
    {
        if (result.IsCompleted)
        {
            throw new MqttConnectionClosedException("The peer closed the connection.");
        }

        TaskCompletionSource? done;
        bool ended;
        lock (_gate)
        {
            if (_failure is not null)
            {
                throw _failure;
            }

            done = _running;
            _running = _next;
            _next = null;
            _inPipe = _aside.WrittenCount;
            ended = _inPipe == 0;
            if (ended)
            {
                _flushing = false;
            }
            else
            {
                _writer.Write(_aside.WrittenSpan);
                if (_aside.Capacity > KeptBytes)
                {
                    _aside = new ArrayBufferWriter<byte>();
                }
                else
                {
                    _aside.ResetWrittenCount();
                }
            }
        }

        done?.TrySetResult();
        return ended;
    }

    private MqttConnectionClosedException Fail(Exception e)
    {
        TaskCompletionSource? running;
        TaskCompletionSource? next;
        lock (_gate)
        {
            _failure ??= e;
            e = _failure;
            _flushing = false;
            running = _running;
            next = _next;
            _running = null;
            _next = null;
            Complete();
        }

        MqttConnectionClosedException closed = Closed(e);
        Throw(running, closed);
        Throw(next, closed);
        return closed;
    }

    private static void Throw(TaskCompletionSource? waiters, Exception failure)
    {
        if (waiters is not null)
        {
            waiters.TrySetException(failure);

            // Seen: nobody may be waiting any more, and the failure is kept for the next caller.
            _ = waiters.Task.Exception;
        }
    }

    // Under the lock, and never while the pipe is being flushed.
    private void Complete()
    {
        if (_completed)
        {
            return;
        }

        _completed = true;
        try
        {
            // With an exception a stream's writer does not try, blocking, to write what is left.
            _writer.Complete(_inPipe > 0 ? _failure : null);
        }
        catch (Exception)
        {
            // The transport being gone is what is being handled.
        }

        _aside = new ArrayBufferWriter<byte>();
        _inPipe = 0;
    }

    private IBufferWriter<byte> Target()
    {
        ThrowIfFailed();
        if (_saidGoodbye)
        {
            // MQTT-3.14.4-1: whoever writes from another thread meanwhile must not come behind it.
            throw new MqttConnectionClosedException("DISCONNECT was written: nothing may follow it.");
        }

        if (_inPipe + _aside.WrittenCount > MaximumUnflushedBytes)
        {
            throw new InvalidOperationException(
                $"More than {MaximumUnflushedBytes} bytes wait for the peer: await the writes before making more.");
        }

        return _flushing ? _aside : _writer;
    }

    private void Count(int bytes) => _inPipe += _flushing ? 0 : bytes;

    private void ThrowIfFailed()
    {
        if (_failure is not null)
        {
            throw Closed(_failure);
        }
    }

    private static MqttConnectionClosedException Closed(Exception reason) =>
        reason as MqttConnectionClosedException ?? new MqttConnectionClosedException("The connection failed: " + reason.Message, reason);

    // Waiters go on elsewhere, never inside the lock or the flush.
    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
