using Streams.Core;

namespace Streams.Storage;

/// <summary>The rows to be written to the state file together with the log position up to which they hold. Cursors, topics and registers
/// are taken in pieces while they are written, so that a million of them neither is copied nor holds up the writer: they may be newer than
/// the position, which does no harm, for whatever is applied twice changes nothing.</summary>
internal sealed class StateRows
{
    private const int RowsAtOnce = 1024;

    private readonly ContainerState _state;
    private readonly Lock _gate;
    private readonly StateChanges _changes;
    private readonly long _since;
    private readonly LaneStatus[] _lanes;

    /// <summary>What changed since a revision. Under the container's lock.</summary>
    public StateRows(ContainerState state, Lock gate, StateChanges changes, long since, long position)
    {
        (_state, _gate, _changes, _since, Position) = (state, gate, changes, since, position);
        OwnOrigin = state.OwnOrigin;
        Revision = state.Revision.Value;
        _lanes = [.. changes.Lanes.Select(static l => l.Status)];
    }

    public long Position { get; }

    public Origin? OwnOrigin { get; }

    /// <summary>Up to which everything is among the rows.</summary>
    public long Revision { get; }

    public IReadOnlyList<LaneStatus> Lanes => _lanes;

    public IReadOnlyList<(StreamPartition Partition, HeldRun Run)> Runs => _changes.Runs;

    public IReadOnlyList<Origin> Origins => _changes.Origins;

    public IEnumerable<(StreamPartition Partition, ConsumerName Consumer, Cursor Cursor)> Cursors =>
        Pieces((first, into) =>
        {
            into.AddRange(_state.Cursors.Since(_since, first, RowsAtOnce));
            return first + RowsAtOnce < _state.Cursors.Count;
        }, new List<(StreamPartition Partition, ConsumerName Consumer, Cursor Cursor)>());

    public IEnumerable<(StreamPath Stream, RegisterFact Fact)> Registers =>
        Pieces((_, into) =>
        {
            into.AddRange(_state.Registers.Since(_since));
            return false;
        }, new List<(StreamPath Stream, RegisterFact Fact)>());

    public IEnumerable<(StreamPath Stream, TopicFact Fact)> Topics
    {
        get
        {
            StreamPath[] streams;
            lock (_gate)
            {
                streams = [.. _state.Topics.Streams];
            }

            return streams.SelectMany(stream => Pieces((first, into) =>
            {
                StreamTopics of = _state.Topics.Of(stream)!;
                into.AddRange(of.Since(_since, first, RowsAtOnce).Select(f => (stream, f)));
                return first + RowsAtOnce < of.Count;
            }, new List<(StreamPath Stream, TopicFact Fact)>()));
        }
    }

    /// <summary>To be written before <see cref="Topics"/> are taken: then their topics are among those, or were before.</summary>
    public IEnumerable<(StreamPath Stream, ReadOnlyMemory<byte> Topic, RetainedMark Mark)> Retained
    {
        get
        {
            StreamPath[] streams;
            lock (_gate)
            {
                streams = [.. _state.Topics.Streams];
            }

            return streams.SelectMany(stream => Pieces((first, into) =>
            {
                StreamTopics of = _state.Topics.Of(stream)!;
                int end = Math.Min(of.RetainedCount, first + RowsAtOnce);
                for (int i = first; i < end; i++)
                {
                    if (of.IsRetainedChanged(i, _since))
                    {
                        (int topic, RetainedMark mark) = of.RetainedAt(i);
                        into.Add((stream, of.NameOf(topic), mark));
                    }
                }

                return end < of.RetainedCount;
            }, new List<(StreamPath Stream, ReadOnlyMemory<byte> Topic, RetainedMark Mark)>()));
        }
    }

    private IEnumerable<T> Pieces<T>(Func<int, List<T>, bool> take, List<T> piece)
    {
        bool more = true;
        for (int first = 0; more; first += RowsAtOnce)
        {
            piece.Clear();
            lock (_gate)
            {
                more = take(first, piece);
            }

            foreach (T row in piece)
            {
                yield return row;
            }
        }
    }
}
