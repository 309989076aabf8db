using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Client;

/// <summary>Sends the outbox, session after session: hello, then batches of many partitions mixed, up to the number allowed without an
/// answer.</summary>
/// <remarks>Decisions are <see cref="ProducerState"/>'s, under one lock that is never held across I/O. Failure: any fault ends the
/// session; the next one says hello and sends the rest again in order (R2).</remarks>
internal sealed class ProducerSender : ISessionUser, IDisposable
{
    private const int CorrelationBits = 24;              // above them: whose it is of the senders of one connection

    private readonly Lock _lock = new();
    private readonly AsyncSignal _work = new();
    private readonly IWaitingEvents _events;
    private readonly ProducerState _state;
    private readonly ClusterOptions _options;
    private readonly ClientMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly SendMeter? _meter;
    private readonly BatchPacer _pacer;
    private readonly SendTurns? _turns;
    private readonly int _rank;
    private readonly Dictionary<StreamPath, CompressionTrial> _trials = [];
    private Task? _workWait;
    private TaskCompletionSource<HelloReply>? _reply;
    private uint _correlation;

    /// <summary>The sender of what waits; behind those that took their turns before it where several share a connection.</summary>
    public ProducerSender(IWaitingEvents events, ClusterOptions options, ClientMetrics metrics, TimeProvider time, ILogger logger,
        SendMeter? meter = null, SendTurns? turns = null)
    {
        _meter = meter;
        _turns = turns;
        _rank = turns?.Add(_work.Set) ?? 0;
        _pacer = new BatchPacer(options.BatchBytes, options.BatchesInFlight, options.Linger, options.AnswerTimeout)
        {
            Yields = _rank > 0,
        };
        _events = events;
        _options = options;
        _metrics = metrics;
        _time = time;
        _logger = logger;
        _state = new ProducerState(events.Producer);
        foreach (RestoredPartition restored in events.Restored)
        {
            PartitionProducer partition = _state.Partition(restored.Partition);
            partition.Restore(restored.Highest, restored.Waiting);
            foreach (EventPlace place in restored.Stand)
            {
                partition.Stand.Raise(place);
            }
        }

        events.Tell(OnAppended, _work.Set);
    }

    /// <inheritdoc/>
    public async Task RunAsync(ClusterSession session)
    {
        List<Task> batches = [];
        try
        {
            while (!HasUnsent() && !_events.HasStaged)
            {
                await WorkAsync(Timeout.InfiniteTimeSpan, session.Token).ConfigureAwait(false);
            }

            _turns?.Wants(_rank, true, Now);             // before the others begin
            if (!await GreetAsync(session).ConfigureAwait(false))
            {
                return;
            }

            _events.IsSending = true;
            while (true)
            {
                await PaceAsync(session.Token).ConfigureAwait(false);
                if (TryCut(out CutBatch cut, out (StreamPartition Partition, UnreadableEventException Why)? unreadable))
                {
                    batches.Add(SendAsync(session, cut));
                }
                else if (unreadable is { } found)
                {
                    await SetAsideAsync(found.Partition, found.Why).ConfigureAwait(false);
                }
                else
                {
                    batches.RemoveAll(static b => b.IsCompleted);
                    await WorkAsync(Timeout.InfiniteTimeSpan, session.Token).ConfigureAwait(false);
                }
            }
        }
        finally
        {
            _turns?.Wants(_rank, false, Now);
            _events.IsSending = false;
            lock (_lock)
            {
                _state.EndSession();
            }

            session.End("the producer's session is over");
            await Task.WhenAll(batches).ConfigureAwait(false);
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
        else if (reply.Correlation >> CorrelationBits != _rank)
        {
            return false;                                // another sender's
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
    public void Dispose() => _events.Dispose();

    private void OnAppended(IReadOnlyList<(StreamPartition Partition, long First, long Last, long Bytes)> runs)
    {
        lock (_lock)
        {
            foreach ((StreamPartition partition, long first, long last, long bytes) in runs)
            {
                _state.Partition(partition).Add(_events.Epoch, first, last);
                _pacer.Arrived(bytes, Now);
            }
        }
    }

    private bool HasUnsent()
    {
        int inFlight;
        lock (_lock)
        {
            if (_state.HasUnsent)
            {
                return true;
            }

            inFlight = _state.InFlight;
        }

        _events.Collect(inFlight);
        lock (_lock)
        {
            return _state.HasUnsent;
        }
    }

    private bool HasRoom()
    {
        lock (_lock)
        {
            return _state.InFlight < _pacer.InFlightLimit;
        }
    }

    private async Task<bool> GreetAsync(ClusterSession session)
    {
        TaskCompletionSource<HelloReply> reply = new(TaskCreationOptions.RunContinuationsAsynchronously);
        IReadOnlyList<(StreamPartition, long)> waiting;
        lock (_lock)
        {
            waiting = _state.BeginSession();
            _pacer.SessionBegan();
            _reply = reply;
            _correlation = ((uint)_rank << CorrelationBits) | ((_correlation + 1) & ((1u << CorrelationBits) - 1));
        }

        HelloRequest hello = new(_correlation, _events.Producer, waiting);
        ClusterAnswer answer = await session.AskAsync(ProtocolTopics.Hello, Wire.Of(hello.Write)).ConfigureAwait(false);
        if (!answer.IsTaken)
        {
            session.End($"{session.Cluster} refused hello: {answer.Text}");
            return false;
        }

        HelloReply told = await reply.Task.WaitAsync(_options.AnswerTimeout, _time, session.Token).ConfigureAwait(false);
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
            await _events.LearnAsync(stream, partitions).ConfigureAwait(false);
        }

        await ConfirmAsync(confirmed, told.Held.Select(static h => h.Partition)).ConfigureAwait(false);
        return true;
    }

    private TimeSpan Now => _time.GetElapsedTime(0);

    // Waits until a batch should go: for others to make it fuller, and for the cap.
    private async Task PaceAsync(CancellationToken cancellationToken)
    {
        bool told = false;
        while (true)
        {
            TimeSpan wait;
            bool unsent;
            bool room;
            lock (_lock)
            {
                unsent = _state.HasUnsent;
                room = _state.InFlight < _pacer.InFlightLimit;
                wait = _pacer.Wait(_state.InFlight, Now);
            }

            _turns?.Wants(_rank, unsent, Now);
            if (!unsent || !room)
            {
                return;
            }

            if (wait == TimeSpan.Zero && _turns is not null)
            {
                wait = _turns.Wait(_rank, Now);
            }

            if (wait == TimeSpan.Zero && _meter is not null)
            {
                wait = _meter.Wait();
                if (wait > TimeSpan.Zero && !told)
                {
                    told = true;
                    _metrics.CapWait();
                }
            }

            if (wait == TimeSpan.Zero)
            {
                return;
            }

            await WorkAsync(wait, cancellationToken).ConfigureAwait(false);
        }
    }

    // One wait for the signal at a time, kept when the time runs out first: a signal that comes then is not lost.
    private async Task WorkAsync(TimeSpan atMost, CancellationToken cancellationToken)
    {
        _workWait ??= _work.WaitAsync(CancellationToken.None);
        try
        {
            await _workWait.WaitAsync(atMost, _time, cancellationToken).ConfigureAwait(false);
            _workWait = null;
        }
        catch (TimeoutException)
        {
            // Long enough.
        }
    }

    private bool TryCut(out CutBatch cut, out (StreamPartition Partition, UnreadableEventException Why)? unreadable)
    {
        cut = default;
        unreadable = null;
        PartitionProducer partition;
        EventIdentity first;
        long wanted;
        int limit;
        if (!HasRoom() || !HasUnsent())
        {
            return false;
        }

        lock (_lock)
        {
            if (!_state.TryNext(out partition, out first, out wanted))
            {
                return false;
            }

            limit = _pacer.BatchLimit;
        }

        limit = Math.Min(limit, _meter?.BatchLimit ?? limit);
        long last;
        int body;
        bool allAlike;
        try
        {
            last = _events.Read(partition.Partition, first, wanted, limit, out body, out allAlike);
        }
        catch (UnreadableEventException e)
        {
            unreadable = (partition.Partition, e);
            return false;
        }

        OutgoingBatch batch;
        lock (_lock)
        {
            if (_state.Session == 0)
            {
                _events.Drop();
                return false;
            }

            batch = _state.Send(partition, first, last);
            _pacer.Cut(body, last < wanted, !_state.HasUnsent, Now);
        }

        RentedBuffer payload = new();
        ByteWriter writer = new(payload);
        new ProduceRequest(batch.Partition, batch.After, default).WriteHead(ref writer);
        int head = payload.Written.Length;
        Write(batch, body, payload);
        _metrics.BatchSent(body, payload.Written.Length - head - BatchHeader.Size);
        _turns?.Sent(_rank, payload.Written.Length, Now);
        cut = new CutBatch(batch, payload, body, allAlike);
        return true;
    }

    private void Write(OutgoingBatch batch, int body, RentedBuffer payload)
    {
        CompressionTrial? trial = null;
        StreamPath stream = batch.Partition.Stream;
        if (_options.Compression != BatchCompression.None && !_trials.TryGetValue(stream, out trial))
        {
            trial = new CompressionTrial();
            _trials.Add(stream, trial);
        }

        bool tries = trial?.ShouldTry(body) == true;
        BatchHeader head = _events.Write(batch, tries ? _options.Compression : BatchCompression.None, payload);
        if (tries)
        {
            trial!.Tried(head.BodyLength, head.TotalLength - BatchHeader.Size);
        }
    }

    private Task SendAsync(ClusterSession session, CutBatch cut)
    {
        TimeSpan sent = Now;
        return HandleAsync(session.AskAsync(ProtocolTopics.Produce, cut.Payload.Written));

        async Task HandleAsync(Task<ClusterAnswer> asked)
        {
            try
            {
                ClusterAnswer answer = await asked.ConfigureAwait(false);
                cut.Payload.Dispose();                   // written: it was answered. Without an answer the connection may still read it
                lock (_lock)
                {
                    _pacer.Answered(cut.Body, Now - sent);
                }

                await AnsweredAsync(session, cut.Batch, answer, cut.AllAlike).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (session.Token.IsCancellationRequested)
            {
                lock (_lock)
                {
                    _pacer.Unanswered(Now - sent);
                }
            }
            catch (Exception e)
            {
                session.End($"{e.GetType().Name}: {e.Message}");
            }
        }
    }

    private readonly record struct CutBatch(OutgoingBatch Batch, RentedBuffer Payload, int Body, bool AllAlike);

    private async Task AnsweredAsync(ClusterSession session, OutgoingBatch batch, ClusterAnswer answer, bool allAlike)
    {
        if (answer.IsPermanent)
        {
            await RefusedAsync(session, batch, answer, answer.Reason == ClusterAnswer.NotAuthorized && allAlike).ConfigureAwait(false);
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
        await ConfirmAsync(confirmed, [batch.Partition]).ConfigureAwait(false);
        _work.Set();
    }

    private async Task SetAsideAsync(StreamPartition partition, UnreadableEventException unreadable)
    {
        lock (_lock)
        {
            _state.Partition(partition).GiveUp(unreadable.First, unreadable.Last);
        }

        ClientLog.EventUnreadable(_logger, partition, unreadable.First, unreadable.Last, unreadable.Message);
        _metrics.Damaged(unreadable.Last - unreadable.First + 1);
        await _events.SetAsideAsync(partition, unreadable).ConfigureAwait(false);
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
            await _events.ParkAsync(session.Cluster, batch.Partition, batch.First.Sequence, batch.Last, reason).ConfigureAwait(false);
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
        }

        await _events.ConfirmAsync(confirmed, [.. touched], StandOf).ConfigureAwait(false);
    }

    private EventPlace[] StandOf(StreamPartition partition)
    {
        lock (_lock)
        {
            return [.. _state.Partition(partition).Stand.Places];
        }
    }
}
