using System.Runtime.InteropServices;
using Streams.Core;

namespace Streams.Client;

/// <summary>Answers the receipts of what was published in this process. An event costs memory here only while someone waits for it: what
/// has become of the others is kept as runs, a bounded number of them. Safe for use by many threads.</summary>
internal sealed class Receipts(ProducerId producer, ulong epoch)
{
    /// <summary>Most runs remembered, over all partitions but for a few of each.</summary>
    public const int MaxRuns = 65_536;

    private const int MinRuns = 16;

    private readonly Lock _lock = new();
    private readonly Dictionary<StreamPartition, Answers> _answers = [];
    private bool _closed;

    /// <summary>What has become of an event so far: by its sequence, or while it has none by its number in the stage.</summary>
    public PublishOutcome OutcomeOf(StreamPartition partition, long sequence, long staged)
    {
        lock (_lock)
        {
            return _answers.TryGetValue(partition, out Answers? answers) ? answers.Find(ref sequence, staged).Outcome
                : PublishOutcome.Waiting;
        }
    }

    /// <summary>Completes when the event is settled; the same task for everyone who asks while it is not.</summary>
    public Task<StoredEvent> WhenSettled(StreamPartition partition, long sequence, long staged)
    {
        lock (_lock)
        {
            Answers answers = Of(partition);
            SettledRun run = answers.Find(ref sequence, staged);
            if (run.Outcome != PublishOutcome.Waiting)
            {
                return TaskOf(partition, sequence, run);
            }

            if (_closed)
            {
                return Task.FromCanceled<StoredEvent>(new CancellationToken(canceled: true));
            }

            ref TaskCompletionSource<StoredEvent>? waits = ref CollectionsMarshal.GetValueRefOrAddDefault(
                sequence > 0 ? answers.Sequences : answers.Stages, sequence > 0 ? sequence : staged, out _);
            waits ??= new TaskCompletionSource<StoredEvent>(TaskCreationOptions.RunContinuationsAsynchronously);
            return waits.Task;
        }
    }

    /// <summary>Staged events got their sequences, or were dropped.</summary>
    public void Change(IReadOnlyList<StageChange> changes)
    {
        lock (_lock)
        {
            for (int i = 0; i < changes.Count; i++)
            {
                StageChange change = changes[i];
                Answers answers = Of(change.Partition);
                SettledRun run = new(change.Number, change.Number, change.Outcome, change.Sequence, null);
                answers.Staged.Add(run, Share);
                if (answers.Stages.Remove(change.Number, out TaskCompletionSource<StoredEvent>? waits))
                {
                    if (change.Outcome == PublishOutcome.Waiting)
                    {
                        answers.Sequences.Add(change.Sequence, waits);
                    }
                    else
                    {
                        waits.TrySetResult(Dropped(change.Partition, change.Outcome));
                    }
                }
            }
        }
    }

    /// <summary>A cluster holds these.</summary>
    public void Complete(in ConfirmedRun run) => Settle(run.Partition, new SettledRun(run.Placed.First, run.Placed.Last,
        PublishOutcome.Stored, run.Placed.FirstOffset.Value, run.Placed.Origin));

    /// <summary>These were refused for good, or are damaged.</summary>
    public void Fail(StreamPartition partition, long first, long last, Exception why) =>
        Settle(partition, new SettledRun(first, last, PublishOutcome.Failed, 0, why));

    /// <summary>The client is closed: nobody will be told any more.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _closed = true;
            foreach (Answers answers in _answers.Values)
            {
                foreach (TaskCompletionSource<StoredEvent> waits in answers.Sequences.Values.Concat(answers.Stages.Values))
                {
                    waits.TrySetCanceled();
                }

                answers.Sequences.Clear();
                answers.Stages.Clear();
            }
        }
    }

    /// <summary>What a receipt is told of an event that was dropped.</summary>
    public static StoredEvent Dropped(StreamPartition partition, PublishOutcome outcome) =>
        new(partition.Stream, partition.Partition, default) { Outcome = outcome };

    private int Share => Math.Max(MinRuns, MaxRuns / Math.Max(1, _answers.Count));

    private Answers Of(StreamPartition partition)
    {
        ref Answers? answers = ref CollectionsMarshal.GetValueRefOrAddDefault(_answers, partition, out _);
        return answers ??= new Answers();
    }

    private void Settle(StreamPartition partition, in SettledRun run)
    {
        lock (_lock)
        {
            Answers answers = Of(partition);
            answers.Settled.Add(run, Share);
            Dictionary<long, TaskCompletionSource<StoredEvent>> asked = answers.Sequences;
            if (run.Last - run.First >= asked.Count)     // a long backlog, few who wait for it
            {
                foreach ((long sequence, TaskCompletionSource<StoredEvent>? waits) in asked)
                {
                    if (sequence >= run.First && sequence <= run.Last)
                    {
                        asked.Remove(sequence);
                        Tell(waits, partition, sequence, run);
                    }
                }

                return;
            }

            for (long sequence = run.First; sequence <= run.Last; sequence++)
            {
                if (asked.Remove(sequence, out TaskCompletionSource<StoredEvent>? waits))
                {
                    Tell(waits, partition, sequence, run);
                }
            }
        }
    }

    private void Tell(TaskCompletionSource<StoredEvent> waits, StreamPartition partition, long sequence, in SettledRun run)
    {
        if (run.Of is Exception why)
        {
            waits.TrySetException(why);
        }
        else
        {
            waits.TrySetResult(StoredOf(partition, sequence, run));
        }
    }

    private Task<StoredEvent> TaskOf(StreamPartition partition, long sequence, in SettledRun run) => run.Outcome switch
    {
        PublishOutcome.Stored => Task.FromResult(StoredOf(partition, sequence, run)),
        PublishOutcome.Failed => Task.FromException<StoredEvent>((Exception)run.Of!),
        PublishOutcome.Forgotten => Task.FromException<StoredEvent>(new InvalidOperationException(
            "it was settled so long ago that where it stands is not known any more; ask for Stored when it is published")),
        PublishOutcome dropped => Task.FromResult(Dropped(partition, dropped)),
    };

    private StoredEvent StoredOf(StreamPartition partition, long sequence, in SettledRun run) =>
        new(partition.Stream, partition.Partition, new EventPlace((Origin)run.Of!, new Offset(run.At(sequence))))
        {
            Identity = new EventIdentity(producer, epoch, sequence),
        };

    /// <summary>What is known of one partition, and who waits.</summary>
    private sealed class Answers
    {
        /// <summary>What became of staged events, by their number in the stage: the sequence they got, or why they were dropped.</summary>
        public SettledRuns Staged { get; } = new();

        /// <summary>What became of events with a sequence.</summary>
        public SettledRuns Settled { get; } = new();

        /// <summary>Who waits, by sequence.</summary>
        public Dictionary<long, TaskCompletionSource<StoredEvent>> Sequences { get; } = [];

        /// <summary>Who waits, by number in the stage.</summary>
        public Dictionary<long, TaskCompletionSource<StoredEvent>> Stages { get; } = [];

        /// <summary>What is known; the sequence is set when a staged event has got one.</summary>
        public SettledRun Find(ref long sequence, long staged)
        {
            if (sequence == 0)
            {
                SettledRun change = Staged.Find(staged);
                if (change.Start == 0)
                {
                    return change;                       // still staged, dropped, or forgotten
                }

                sequence = change.At(staged);
            }

            return Settled.Find(sequence);
        }
    }
}
