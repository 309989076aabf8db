using Streams.Core;

namespace Streams.Storage;

/// <summary>What reads. Only what is flushed is seen (rule R1). The tables are in memory; entries come from the log.</summary>
public sealed partial class Container
{
    /// <summary>All streams known here, in order of their paths: those with settings, and those of which there is a lane.</summary>
    public IReadOnlyList<StreamPath> Streams
    {
        get
        {
            lock (_gate)
            {
                return _state.Streams.Sorted;
            }
        }
    }

    /// <summary>The settings of a stream, or <see langword="null"/> when it is not known here. A stream known by its lanes alone has the
    /// default, with as many partitions as the lanes show.</summary>
    public StreamSettings? Settings(StreamPath stream)
    {
        lock (_gate)
        {
            return _state.Settings(stream);
        }
    }

    /// <summary>The runs of a producer that are held, flushed, over all lanes of the partition and all epochs, and end at or behind
    /// <paramref name="from"/> (rules R1, R3).</summary>
    public IReadOnlyList<HeldRun> Held(ProducerId producer, StreamPartition partition, long from)
    {
        lock (_gate)
        {
            return _state.Ledger.Held(producer, partition, from);
        }
    }

    /// <summary>Copies of these events in other lanes of the partition than <paramref name="except"/>, flushed, or removed by retention
    /// (rules R8, R10, R18), each cut to what was asked for.</summary>
    public IReadOnlyList<HeldRun> Copies(StreamPartition partition, SequenceRun run, Origin except)
    {
        lock (_gate)
        {
            return _state.Ledger.Copies(partition, run, except);
        }
    }

    /// <summary>The lanes of a partition.</summary>
    public IReadOnlyList<LaneStatus> Lanes(StreamPartition partition)
    {
        lock (_gate)
        {
            return [.. _state.Lanes.Of(partition).Where(l => l.NextEntry > 0).Select(l => l.Status)];
        }
    }

    /// <summary>All lanes, own and foreign.</summary>
    public IReadOnlyList<LaneStatus> Lanes()
    {
        lock (_gate)
        {
            return [.. _state.Lanes.All.Where(l => l.NextEntry > 0).Select(l => l.Status)];
        }
    }

    /// <summary>Adds the lanes that came up or grew, flushed, behind a mark, the last one first; gives the mark of now. Mark 0 gives all
    /// of them. Costs no look at any other lane, however many there are.</summary>
    public long Grown(long mark, List<LaneStatus> into)
    {
        lock (_gate)
        {
            return _state.Lanes.Grown(mark, into);
        }
    }

    /// <summary>One lane, or <see langword="null"/>.</summary>
    public LaneStatus? Lane(LaneId lane)
    {
        lock (_gate)
        {
            return _state.Lanes.Find(lane) is { NextEntry: > 0 } found ? found.Status : null;
        }
    }

    /// <summary>The partitionlets of a lane, in order; empty for a lane not known here.</summary>
    public IReadOnlyList<PartitionletStatus> Chain(LaneId lane)
    {
        lock (_gate)
        {
            if (_state.Lanes.Find(lane) is not { NextEntry: > 0 } found)
            {
                return [];
            }

            List<PartitionletStatus> chain = [];
            foreach (SealedRun run in found.Sealed)
            {
                chain.Add(new PartitionletStatus(_options.Id, new EntryNumber(run.FirstEntry), new Offset(run.FirstOffset),
                    new Offset(run.NextOffset),
                    run.Bytes, Sealed: true));
            }

            chain.Add(new PartitionletStatus(_options.Id, new EntryNumber(found.OpenFirstEntry), new Offset(found.OpenFirstOffset),
                new Offset(found.NextOffset), found.OpenBytes, Sealed: false));
            return chain;
        }
    }

    /// <summary>Up to <paramref name="max"/> topics of a stream, in no order.</summary>
    public IReadOnlyList<TopicStatus> Topics(StreamPath stream, int max)
    {
        lock (_gate)
        {
            return _state.Topics.List(stream, max);
        }
    }

    /// <summary>How many topics a stream has.</summary>
    public int TopicCount(StreamPath stream)
    {
        lock (_gate)
        {
            return _state.Topics.CountOf(stream);
        }
    }

    /// <summary>The cursor of a consumer, joined from all that was heard of it; <see cref="Core.Cursor.Start"/> when nothing was.</summary>
    public Cursor Cursor(ConsumerName consumer, StreamPartition partition)
    {
        lock (_gate)
        {
            return _state.Cursors.Get(consumer, partition);
        }
    }

    /// <summary>A register of a stream, or <see langword="null"/>; a removed one is given with an empty value.</summary>
    public RegisterFact? Register(StreamPath stream, string key)
    {
        lock (_gate)
        {
            return _state.Registers.Get(stream, key);
        }
    }

    /// <summary>The registers of a stream whose keys begin with <paramref name="prefix"/>, in order of their keys, removed ones
    /// included.</summary>
    public IReadOnlyList<RegisterFact> Registers(StreamPath stream, string prefix)
    {
        lock (_gate)
        {
            return _state.Registers.List(stream, prefix);
        }
    }

    /// <summary>The registers of a stream, removed ones included, a page at a time in the order in which they came: all that were there
    /// when the first page was taken are on one of the pages, once, as they are when it is taken.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="from">0, or <see cref="RegisterPage.Next"/> of a page given since this container was opened.</param>
    /// <param name="max">Most registers of the page; one without any is the last.</param>
    public RegisterPage Registers(StreamPath stream, int from, int max)
    {
        lock (_gate)
        {
            return _state.Registers.Page(stream, from, max);
        }
    }

    /// <summary>The joined state as it is now (rule R16), in pieces.</summary>
    public IEnumerable<StateItem> State() => State(0, out _);

    /// <summary>What of the joined state changed since <paramref name="since"/>, as it is now (rule R16), in pieces; all of it since
    /// 0. Retained messages come last and are read while they are taken.</summary>
    /// <param name="since">A revision that this container gave since it was opened, or 0.</param>
    /// <param name="revision">Up to which all is given.</param>
    public IEnumerable<StateItem> State(long since, out long revision)
    {
        lock (_gate)
        {
            revision = _state.Revision.Value;
            return StateSnapshot.Take(_state, since).Concat(RetainedSince(since));
        }
    }

    /// <summary>The latest incarnation known of a cluster, or <see langword="null"/> (rule R15).</summary>
    public Incarnation? LatestIncarnation(ClusterName cluster)
    {
        lock (_gate)
        {
            return _state.Origins.Latest(cluster);
        }
    }
}
