using System.Buffers;
using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Client;

/// <summary>Sends the outbox, session after session: hello, then batches of many partitions mixed, up to the number allowed without an
/// answer.</summary>
/// <remarks>Decisions are <see cref="ProducerState"/>'s, under one lock that is never held across I/O. Failure: any fault ends the
/// session; the next one says hello and sends the rest again in order (R2).</remarks>
internal sealed class ProducerSender : ISessionUser, IDisposable
{
    private readonly Lock _lock = new();
    private readonly AsyncSignal _work = new();
    private readonly EventBatchBuilder _builder = new();
    private readonly EventOutbox _outbox;
    private readonly EventWindow _window;
    private readonly ProducerState _state;
    private readonly StreamsClientOptions _options;
    private readonly ClientMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private TaskCompletionSource<HelloReply>? _reply;
    private uint _correlation;
    private long _freshBytes;

    /// <summary>The sender of an outbox.</summary>
    public ProducerSender(EventOutbox outbox, StreamsClientOptions options, ClientMetrics metrics, TimeProvider time, ILogger logger)
    {
        _outbox = outbox;
        _options = options;
        _metrics = metrics;
        _time = time;
        _logger = logger;
        _window = new EventWindow(outbox.Path);
        _state = new ProducerState(outbox.Producer);
        foreach (RestoredPartition restored in outbox.Restored)
        {
            PartitionProducer partition = _state.Partition(restored.Partition);
            partition.Restore(restored.Highest, restored.Waiting);
            foreach (EventPlace place in restored.Stand)
            {
                partition.Stand.Raise(place);
            }
        }

        outbox.Appended = OnAppended;
        outbox.Staged = _work.Set;
    }

    /// <inheritdoc/>
    public async Task RunAsync(ClusterSession session)
    {
        List<Task> batches = [];
        try
        {
            while (!HasUnsent() && !_outbox.HasStaged)
            {
                await _work.WaitAsync(session.Token);
            }

            if (!await GreetAsync(session))
            {
                return;
            }

            _outbox.IsSending = true;
            while (true)
            {
                await LingerAsync(session.Token);
                while (TryCut(out OutgoingBatch? batch, out ReadOnlyMemory<byte> payload, out bool allAlike))
                {
                    batches.Add(SendAsync(session, batch!, payload, allAlike));
                }

                batches.RemoveAll(static b => b.IsCompleted);
                await _work.WaitAsync(session.Token);
            }
        }
        finally
        {
            _outbox.IsSending = false;
            lock (_lock)
            {
                _state.EndSession();
            }

            session.End("the producer's session is over");
            await Task.WhenAll(batches);
        }
    }

    /// <inheritdoc/>
    public bool TryReceive(ClusterSession session, string topic, ReadOnlyMemory<byte> payload)
    {
        if (topic != ProtocolTopics.HelloReply)
        {
            return false;
        }

        if (HelloReply.Read(payload) is not { } reply)
        {
            session.End("the answer to hello is malformed");
        }
        else if (reply.Correlation == _correlation)
        {
            _reply?.TrySetResult(reply);
        }

        return true;
    }

    /// <inheritdoc/>
    public void SessionEnded()
    {
    }

    /// <inheritdoc/>
    public void Dispose() => _window.Dispose();

    private void OnAppended(IReadOnlyList<(StreamPartition Partition, long First, long Last, long Bytes)> runs)
    {
        if (runs.Count == 0)
        {
            return;
        }

        lock (_lock)
        {
            foreach ((StreamPartition partition, long first, long last, long bytes) in runs)
            {
                _state.Partition(partition).Add(_outbox.Epoch, first, last);
                _freshBytes += bytes;
            }
        }

        _work.Set();
    }

    private bool HasUnsent()
    {
        lock (_lock)
        {
            return _state.HasUnsent;
        }
    }

    private async Task<bool> GreetAsync(ClusterSession session)
    {
        TaskCompletionSource<HelloReply> reply = new(TaskCreationOptions.RunContinuationsAsynchronously);
        IReadOnlyList<(StreamPartition, long)> waiting;
        lock (_lock)
        {
            waiting = _state.BeginSession();
            _reply = reply;
            _correlation++;
        }

        HelloRequest hello = new(_correlation, _outbox.Producer, waiting);
        ClusterAnswer answer = await session.AskAsync(ProtocolTopics.Hello, Wire.Of((ref ByteWriter w) => hello.Write(ref w)));
        if (!answer.IsTaken)
        {
            session.End($"{session.Cluster} refused hello: {answer.Text}");
            return false;
        }

        HelloReply told = await reply.Task.WaitAsync(_options.AnswerTimeout, _time, session.Token);
        List<ConfirmedRun> confirmed = [];
        IReadOnlyList<StreamPartition> rolledBack;
        lock (_lock)
        {
            rolledBack = _state.ApplyHello(told, confirmed);
        }

        foreach (StreamPartition partition in rolledBack)
        {
            ClientLog.RolledBack(_logger, session.Cluster, partition);
        }

        if (confirmed.Count > 0)
        {
            ClientLog.HeldAlready(_logger, session.Cluster, confirmed.Sum(static c => c.Placed.Last - c.Placed.First + 1));
        }

        foreach ((StreamPath stream, int partitions) in told.Streams)
        {
            await _outbox.LearnAsync(stream, partitions);
        }

        await ConfirmAsync(confirmed, told.Held.Select(static h => h.Partition));
        return true;
    }

    private async Task LingerAsync(CancellationToken cancellationToken)
    {
        bool wait;
        lock (_lock)
        {
            wait = _options.Linger > TimeSpan.Zero && _state.HasUnsent && _freshBytes > 0 && _freshBytes < _options.BatchBytes;
        }

        if (wait)
        {
            await Task.Delay(_options.Linger, _time, cancellationToken);
        }

        lock (_lock)
        {
            _freshBytes = 0;
        }
    }

    private bool TryCut(out OutgoingBatch? batch, out ReadOnlyMemory<byte> payload, out bool allAlike)
    {
        batch = null;
        payload = default;
        allAlike = false;
        PartitionProducer partition;
        EventIdentity first;
        long last;
        lock (_lock)
        {
            if (_state.InFlight >= _options.BatchesInFlight || !_state.TryNext(out partition, out first, out last))
            {
                return false;
            }
        }

        last = _window.Read(_outbox.RowId(partition.Partition), first, last, _options.BatchBytes, _builder, out allAlike);
        lock (_lock)
        {
            if (_state.Session == 0)
            {
                _builder.Clear();
                return false;
            }

            batch = _state.Send(partition, first, last);
        }

        EventBatch built = _builder.Build(first, batch.Predecessor, batch.MayHaveTwins);
        ArrayBufferWriter<byte> output = new(built.Bytes.Length + 512);
        ByteWriter writer = new(output);
        new ProduceRequest(batch.Partition, batch.After, built.Bytes).WriteHead(ref writer);
        writer.Bytes(built.Bytes.Span);
        payload = output.WrittenMemory;
        return true;
    }

    private Task SendAsync(ClusterSession session, OutgoingBatch batch, ReadOnlyMemory<byte> payload, bool allAlike)
    {
        _metrics.BatchSent();
        return HandleAsync(session.AskAsync(ProtocolTopics.Produce, payload));

        async Task HandleAsync(Task<ClusterAnswer> asked)
        {
            try
            {
                await AnsweredAsync(session, batch, await asked, allAlike);
            }
            catch (OperationCanceledException) when (session.Token.IsCancellationRequested)
            {
            }
            catch (Exception e)
            {
                session.End($"{e.GetType().Name}: {e.Message}");
            }
        }
    }

    private async Task AnsweredAsync(ClusterSession session, OutgoingBatch batch, ClusterAnswer answer, bool allAlike)
    {
        if (answer.IsPermanent)
        {
            await RefusedAsync(session, batch, answer, answer.Reason == ClusterAnswer.NotAuthorized && allAlike);
            return;
        }

        List<PlacedRun> placed = [];
        foreach (string text in answer.Placed)
        {
            if (PlacedRun.TryParse(text, out PlacedRun run))
            {
                placed.Add(run);
            }
        }

        List<ConfirmedRun> confirmed = [];
        lock (_lock)
        {
            if (!answer.IsTaken)
            {
                return;                                  // the session has ended with it
            }

            if (!_state.Acknowledge(batch, placed, confirmed))
            {
                session.End($"{session.Cluster} did not say where all of {batch.Partition} {batch.First.Sequence}-{batch.Last} stands");
                return;
            }
        }

        session.WasUseful = true;
        await ConfirmAsync(confirmed, [batch.Partition]);
        _work.Set();
    }

    private async Task RefusedAsync(ClusterSession session, OutgoingBatch batch, ClusterAnswer answer, bool allAlike)
    {
        bool parked;
        lock (_lock)
        {
            parked = _state.Refuse(batch, allAlike);
        }

        string reason = $"0x{answer.Reason:x2} {answer.Text}".TrimEnd();
        if (parked)
        {
            ClientLog.Parked(_logger, session.Cluster, batch.Partition, batch.First.Sequence, batch.Last, reason);
            _metrics.Parked(batch.Count);
            await _outbox.WriteAsync(new ParkOperation(batch.Partition, batch.First.Sequence, batch.Last, reason));
            _outbox.Receipts.Fail(batch.Partition, batch.First.Sequence, batch.Last,
                new InvalidRequestException($"{session.Cluster} refused the event for good: {reason};"
                    + " it is kept in the outbox's table of refused events"));
        }
        else
        {
            ClientLog.Narrowing(_logger, session.Cluster, batch.Partition, batch.First.Sequence, reason);
        }

        session.WasUseful = true;                        // the next session is to follow at once
        session.End("a batch was refused for good");
    }

    private async Task ConfirmAsync(List<ConfirmedRun> confirmed, IEnumerable<StreamPartition> touched)
    {
        foreach (ConfirmedRun run in confirmed)
        {
            _metrics.Confirmed(run.Placed.Last - run.Placed.First + 1);
            _outbox.Receipts.Complete(run);
        }

        await _outbox.WriteAsync(new ConfirmOperation(confirmed, [.. touched], StandOf));
    }

    private EventPlace[] StandOf(StreamPartition partition)
    {
        lock (_lock)
        {
            return [.. _state.Partition(partition).Stand.Places];
        }
    }
}
