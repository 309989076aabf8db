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

    private readonly PipeWriter _writer;
    private readonly Lock _gate = new();
    private ArrayBufferWriter<byte> _aside = new();
    private long _inPipe;
    private bool _flushing;
    private TaskCompletionSource? _running;
    private TaskCompletionSource? _next;
    private Exception? _failure;
    private bool _completed;

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
            ThrowIfFailed();
            MqttPacketWriter.Write(Target(MqttPacketWriter.SizeOf(packet, version)), packet, version);
        }
    }

    public void WritePublish(in MqttPublishHead head, in ReadOnlySequence<byte> payload, MqttVersion version)
    {
        lock (_gate)
        {
            ThrowIfFailed();
            MqttPacketWriter.WritePublish(
                Target(MqttPacketWriter.SizeOfPublish(head, payload.Length, version)), head, payload, version);
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

        ValueTask<FlushResult> flush;
        try
        {
            flush = _writer.FlushAsync(CancellationToken.None);
        }
        catch (Exception e)
        {
            Fail(e);
            throw Closed(e);
        }

        if (flush.IsCompletedSuccessfully && !flush.Result.IsCompleted && !flush.Result.IsCanceled && TryEnd())
        {
            return default;
        }

        return WaitAsync(flush, cancellationToken);
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

    private ValueTask WaitAsync(ValueTask<FlushResult> flush, CancellationToken cancellationToken)
    {
        Task mine;
        lock (_gate)
        {
            mine = (_running ??= NewSource()).Task;
        }

        // Runs to its end whoever waits; its failure is kept in _failure and given to every waiter.
        _ = DrainAsync(flush);
        return new ValueTask(mine.WaitAsync(cancellationToken));
    }

    private async Task DrainAsync(ValueTask<FlushResult> flush)
    {
        try
        {
            while (true)
            {
                FlushResult result = await flush.ConfigureAwait(false);
                if (result.IsCompleted)
                {
                    throw new MqttConnectionClosedException("The peer closed the connection.");
                }

                if (TryEnd())
                {
                    return;
                }

                flush = _writer.FlushAsync(CancellationToken.None);
            }
        }
        catch (Exception e)
        {
            Fail(e);
        }
    }

    // After a flush: true when there is nothing more to send; false when what was collected now stands in the pipe.
    private bool TryEnd()
    {
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

    private void Fail(Exception e)
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

        running?.TrySetException(Closed(e));
        next?.TrySetException(Closed(e));
    }

    // Under the lock, and never while the pipe is being flushed.
    private void Complete()
    {
        if (!_completed)
        {
            _completed = true;
            _aside = new ArrayBufferWriter<byte>();
            _inPipe = 0;
            try
            {
                _writer.Complete();
            }
            catch (Exception)
            {
                // Completing a writer flushes what is left; the transport being gone is what is being handled.
            }
        }
    }

    private IBufferWriter<byte> Target(int bytes)
    {
        if (_flushing)
        {
            return _aside;
        }

        _inPipe += bytes;
        return _writer;
    }

    private void ThrowIfFailed()
    {
        if (_failure is not null)
        {
            throw Closed(_failure);
        }
    }

    private static MqttConnectionClosedException Closed(Exception reason) =>
        reason as MqttConnectionClosedException ?? new MqttConnectionClosedException("The connection failed: " + reason.Message, reason);

    // Waiters go on elsewhere, never inside the lock or the flush; a failure nobody waits for is still in _failure.
    private static TaskCompletionSource NewSource()
    {
        TaskCompletionSource source = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _ = source.Task.ContinueWith(
            static t => _ = t.Exception,
            CancellationToken.None,
            TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
        return source;
    }
}
