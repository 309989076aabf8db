using Streams.Core;

namespace Streams.Client;

/// <summary>What a producer knows and decides (rules R2, R4, R5, R7, R18), over all its partitions: hello, batches, answers.</summary>
/// <remarks>Pure and single-threaded: input in, decisions out; the sender does the I/O and the outbox keeps what must survive. Order of
/// calls: <see cref="BeginSession"/>, the
/// reply through <see cref="ApplyHello"/>, then <see cref="TryNext"/> and <see cref="Send"/> as often as wanted, answers as they come;
/// <see cref="EndSession"/> when
/// the connection is lost, a batch is refused or is not answered in time.</remarks>
internal sealed class ProducerState(ProducerId producer)
{
    private readonly Dictionary<StreamPartition, PartitionProducer> _partitions = [];
    private readonly List<PartitionProducer> _turns = [];
    private Origin _own;
    private int _turn;

    /// <summary>The producer.</summary>
    public ProducerId Producer => producer;

    /// <summary>Number of the running session, from 1; 0 when none is.</summary>
    public long Session { get; private set; }

    /// <summary>Whether hello was answered: batches may be sent.</summary>
    public bool IsGreeted { get; private set; }

    /// <summary>Batches sent and not answered in this session.</summary>
    public int InFlight { get; private set; }

    /// <summary>How many sessions there were.</summary>
    public long Sessions { get; private set; }

    /// <summary>Whether something waits that was not sent in this session.</summary>
    public bool HasUnsent
    {
        get
        {
            foreach (PartitionProducer partition in _turns)
            {
                if (partition.HasUnsent)
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>Whether something waits, sent or not.</summary>
    public bool HasWaiting
    {
        get
        {
            foreach (PartitionProducer partition in _turns)
            {
                if (partition.From > 0)
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>Whether anything is known of a partition.</summary>
    public bool Knows(StreamPartition partition) => _partitions.ContainsKey(partition);

    /// <summary>The partitions.</summary>
    public IReadOnlyList<PartitionProducer> Partitions => _turns;

    /// <summary>The state of a partition, made when it is new.</summary>
    public PartitionProducer Partition(StreamPartition partition)
    {
        if (!_partitions.TryGetValue(partition, out PartitionProducer? state))
        {
            state = new PartitionProducer(producer, partition);
            _partitions.Add(partition, state);
            _turns.Add(state);
        }

        return state;
    }

    /// <summary>A connection stands: what to ask in hello.</summary>
    public IReadOnlyList<(StreamPartition Partition, long From)> BeginSession()
    {
        EndSession();
        Session = ++Sessions;
        List<(StreamPartition, long)> waiting = [];
        foreach (PartitionProducer partition in _turns)
        {
            if (partition.From > 0 && waiting.Count < HelloRequest.MaxPartitions)
            {
                waiting.Add((partition.Partition, partition.From));
            }
        }

        return waiting;
    }

    /// <summary>The cluster told what it holds. Gives what the outbox may let go of.</summary>
    /// <returns>The partitions in which the cluster holds events of this producer that this outbox does not know: it was rolled back
    /// (rule R7).</returns>
    public IReadOnlyList<StreamPartition> ApplyHello(HelloReply reply, List<ConfirmedRun> confirmed)
    {
        List<StreamPartition> rolledBack = [];
        foreach ((StreamPartition id, IReadOnlyList<HeldRun> runs) in reply.Held)
        {
            if (!_partitions.TryGetValue(id, out PartitionProducer? partition))
            {
                continue;
            }

            bool foreign = false;
            foreach (HeldRun run in runs)
            {
                foreign |= run.Run.Producer == producer
                    && partition.Confirm(run.Run.Epoch, new PlacedRun(run.Run.First, run.Run.Last, run.Origin, run.FirstOffset), confirmed);
            }

            if (foreign)
            {
                rolledBack.Add(id);
            }
        }

        _own = reply.Origin;
        IsGreeted = true;
        return rolledBack;
    }

    /// <summary>The next stretch to send, the partitions taking turns.</summary>
    public bool TryNext(out PartitionProducer partition, out EventIdentity first, out long last)
    {
        for (int i = 0; IsGreeted && i < _turns.Count; i++)
        {
            partition = _turns[_turn = (_turn + 1) % _turns.Count];
            if (partition.TryNext(out first, out last))
            {
                return true;
            }
        }

        partition = null!;
        first = default;
        last = 0;
        return false;
    }

    /// <summary>Decides a batch: it counts as sent.</summary>
    public OutgoingBatch Send(PartitionProducer partition, EventIdentity first, long last)
    {
        InFlight++;
        return partition.Send(Session, first, last, _own);
    }

    /// <summary>A batch was taken. False when the answer does not account for all of it: the session is no good.</summary>
    public bool Acknowledge(OutgoingBatch batch, IReadOnlyList<PlacedRun> placed, List<ConfirmedRun> confirmed)
    {
        if (batch.Session != Session)
        {
            return true;                             // of a session that is over: the handshake told, or will tell
        }

        InFlight--;
        SequenceRanges told = new();
        foreach (PlacedRun run in placed)
        {
            told.Add(run.First, run.Last);
        }

        if (!told.Covers(batch.First.Sequence, batch.Last) || told.Count > 1)
        {
            return false;
        }

        PartitionProducer partition = Partition(batch.Partition);
        foreach (PlacedRun run in placed)
        {
            partition.Confirm(batch.First.Epoch, run, confirmed);
        }

        return true;
    }

    /// <summary>A batch was refused for good; the session ends with it (what was sent behind it names it as predecessor).</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="allAlike">Whether all its events share what was refused.</param>
    /// <returns>Whether its events are to be parked; else the next session sends them in smaller batches.</returns>
    public bool Refuse(OutgoingBatch batch, bool allAlike)
    {
        bool parked = batch.Session == Session && Partition(batch.Partition).Refuse(batch, allAlike);
        EndSession();
        return parked;
    }

    /// <summary>The session is over, for whatever reason.</summary>
    public void EndSession()
    {
        if (Session == 0)
        {
            return;
        }

        foreach (PartitionProducer partition in _turns)
        {
            partition.EndSession();
        }

        Session = 0;
        IsGreeted = false;
        InFlight = 0;
        _own = default;
    }
}
