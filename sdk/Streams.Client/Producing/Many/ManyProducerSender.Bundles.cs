using Streams.Core;

namespace Streams.Client;

/// <summary>Bundles and their answers.</summary>
internal sealed partial class ManyProducerSender
{
    // With the greatest event behind it a bundle stays below the least of what clusters take by default.
    private const int MaxBundleBytes = 2 << 20;

    private bool TryCut(out CutBundle? cut)
    {
        cut = null;
        int limit;
        lock (_lock)
        {
            if (!_isConnected || _inFlight >= _pacer.InFlightLimit || _many.Ready == 0)
            {
                return false;
            }

            limit = Math.Min(_pacer.BatchLimit, MaxBundleBytes);
        }

        limit = Math.Min(limit, _meter?.BatchLimit ?? limit);
        CutBundle bundle = new();
        BundleWriter.Begin(bundle.Payload);
        bool isMore = false;
        while (bundle.Batches.Count < _mostBatches && TryAdd(bundle, limit))
        {
            isMore = bundle.Bytes >= limit;
        }

        lock (_lock)
        {
            _pacer.Cut(bundle.Bytes, isMore && _many.Ready > 0, _many.Ready == 0, Now);
            if (bundle.Batches.Count == 0)
            {
                bundle.Payload.Dispose();
                return false;
            }

            _inFlight++;
        }

        BundleWriter.End(bundle.Payload, bundle.Batches.Count);
        _metrics.BatchSent(bundle.Bytes, bundle.Payload.Written.Length);
        cut = bundle;
        return true;
    }

    // Adds what is next; false when the bundle is full, or nothing is left.
    private bool TryAdd(CutBundle bundle, int limit)
    {
        int left = limit - bundle.Bytes;
        NextStretch next;
        lock (_lock)
        {
            int quantum = Math.Max(BatchPacer.SmallestBatch, limit / Math.Max(1, _many.Ready));
            if (left <= 0 || !_many.TryNext(quantum, out next))
            {
                return false;
            }
        }

        long last;
        int body;
        bool allAlike;
        try
        {
            last = _events.Read(next.Partition.Partition, next.First, next.Last, (int)Math.Min(next.Bytes, left), out body, out allAlike);
        }
        catch (StorageFailedException e)
        {
            RestUnreadable(next, e);
            return true;
        }

        OutgoingBatch? batch;
        bool isConnected;
        lock (_lock)
        {
            isConnected = _isConnected;
            batch = isConnected ? _many.Send(next, last, body) : null;
        }

        if (batch is null)
        {
            _events.Drop();
            return isConnected;
        }

        _writer.Add(bundle.Payload, batch, body);
        bundle.Add(next.Slot, batch, body, allAlike);
        return true;
    }

    // What cannot be read of one producer holds up no other.
    private void RestUnreadable(in NextStretch next, StorageFailedException fault)
    {
        _events.Drop();
        TimeSpan? rest;
        lock (_lock)
        {
            // A whole rest even the first time: reading again at once would find the same.
            next.Slot.NextRest = next.Slot.NextRest == TimeSpan.Zero ? _many.Rules.FirstRest : next.Slot.NextRest;
            rest = _many.ShutOut(next.Slot, next.Session, Now);
        }

        if (rest is { } pause)
        {
            ClientLog.ProducerUnreadable(_logger, next.Slot.Producer, next.Partition.Partition, next.First.Sequence, pause, fault);
        }
    }

    private Task SendAsync(ClusterSession session, CutBundle cut)
    {
        TimeSpan sent = Now;
        return HandleAsync(session.AskAsync(ProtocolTopics.Bundle, cut.Payload.Written));

        async Task HandleAsync(Task<ClusterAnswer> asked)
        {
            try
            {
                ClusterAnswer answer = await asked.ConfigureAwait(false);
                cut.Payload.Dispose();                   // written: it was answered. Without an answer the connection may still read it
                lock (_lock)
                {
                    _inFlight--;
                    _pacer.Answered(cut.Bytes, Now - sent);
                }

                await AnsweredAsync(session, cut, answer).ConfigureAwait(false);
                _work.Set();
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

    private async Task AnsweredAsync(ClusterSession session, CutBundle cut, ClusterAnswer answer)
    {
        IReadOnlyList<BatchAnswer>? answers;
        if (answer.IsTaken)
        {
            answers = BundleAnswers.Read(answer.Placed, cut.Runs());
            _mostBatches = Math.Min(_mostBatches * 2, Bundle.MaxBatches);
        }
        else if (!answer.IsPermanent)
        {
            return;                                      // the session has ended with it
        }
        else if (cut.Batches.Count > 1)
        {
            // Which of them is at fault nobody knows: the next session sends fewer at once.
            _mostBatches = Math.Max(1, cut.Batches.Count / 2);
            session.End($"{session.Cluster} refused a bundle of {cut.Batches.Count} batches: {answer.Text} (0x{answer.Reason:x2})");
            return;
        }
        else
        {
            answers = [new BatchAnswer(answer.Reason, answer.Text, [])];
        }

        if (answers is null)
        {
            session.End($"{session.Cluster} did not answer each of {cut.Batches.Count} batches");
            return;
        }

        // What was taken first: a refusal ends its producer's session, and with it what answers to that session say.
        Confirmations confirmed = new();
        for (int i = 0; i < answers.Count; i++)
        {
            if (answers[i].IsTaken)
            {
                Take(session, cut.Batches[i], answers[i], confirmed);
            }
        }

        await ConfirmAsync(confirmed).ConfigureAwait(false);
        for (int i = 0; i < answers.Count; i++)
        {
            if (!answers[i].IsTaken)
            {
                await RefusedAsync(session, cut.Batches[i], answers[i]).ConfigureAwait(false);
            }
        }
    }

    private void Take(ClusterSession session, CutBatch sent, BatchAnswer answer, Confirmations confirmed)
    {
        OutgoingBatch batch = sent.Batch;
        List<ConfirmedRun> runs = [];
        lock (_lock)
        {
            if (!ManyProducers.IsOpen(sent.Slot, batch))
            {
                return;
            }

            if (!ManyProducers.Acknowledge(sent.Slot, batch, answer.Placed, runs))
            {
                session.End($"{session.Cluster} did not say where all of {batch.Partition} {batch.First.Sequence}-{batch.Last} stands");
                return;
            }

            confirmed.Add(sent.Slot, runs, [batch.Partition]);
        }

        session.WasUseful = true;
    }

    private async Task RefusedAsync(ClusterSession session, CutBatch sent, BatchAnswer answer)
    {
        OutgoingBatch batch = sent.Batch;
        ProducerId producer = batch.First.Producer;
        string reason = $"0x{answer.Reason:x2} {answer.Text}".TrimEnd();
        if (answer.Reason is not (ClusterAnswer.NotAuthorized or ClusterAnswer.PayloadInvalid))
        {
            if (!IsOfProducer(answer.Text))
            {
                session.Refused($"{session.Cluster} refused a batch of {batch.Partition}: {reason}");
                return;
            }

            TimeSpan? rest;
            lock (_lock)
            {
                rest = _many.ShutOut(sent.Slot, batch.Session, Now);
                _many.Settle(sent.Slot);
            }

            if (rest is { } pause)
            {
                ClientLog.ProducerShutOut(_logger, session.Cluster, producer, reason, pause);
            }

            return;
        }

        bool parked;
        lock (_lock)
        {
            parked = _many.Refuse(sent.Slot, batch, answer.Reason == ClusterAnswer.NotAuthorized && sent.AllAlike);
            sent.Slot.Confirming += parked ? 1 : 0;
        }

        if (!parked)
        {
            ClientLog.Narrowing(_logger, session.Cluster, batch.Partition, batch.First.Sequence, reason);
            return;
        }

        ClientLog.Parked(_logger, session.Cluster, batch.Partition, batch.First.Sequence, batch.Last, reason);
        _metrics.Parked(batch.Count);
        try
        {
            await _events.ParkAsync(producer, session.Cluster, batch.Partition, batch.First.Sequence, batch.Last, reason)
                .ConfigureAwait(false);
        }
        finally
        {
            lock (_lock)
            {
                sent.Slot.Confirming--;
                _many.Settle(sent.Slot);
            }
        }
    }

    private static bool IsOfProducer(string text) => text.StartsWith(nameof(ProduceRefusal.OlderSession), StringComparison.Ordinal)
        || text.StartsWith(nameof(ProduceRefusal.OutOfOrder), StringComparison.Ordinal);

    // One after the other: what is told later of a producer's places is never older.
    private async Task ConfirmAsync(Confirmations confirmed)
    {
        if (confirmed.Slots.Count == 0)
        {
            return;
        }

        await _confirming.WaitAsync().ConfigureAwait(false);
        try
        {
            List<ConfirmedProducer> told;
            lock (_lock)
            {
                told = confirmed.Tell();
            }

            if (told.Count > 0)
            {
                _metrics.Confirmed(confirmed.Events);
                await _events.ConfirmAsync(told).ConfigureAwait(false);
            }
        }
        finally
        {
            _confirming.Release();
            lock (_lock)
            {
                foreach (ProducerSlot slot in confirmed.Slots)
                {
                    slot.Confirming--;
                    _many.Settle(slot);
                }
            }
        }
    }
}
