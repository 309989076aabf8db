using System.Buffers;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>The part of what goes up that is in memory: of each lane some batches behind what the clusters have. Whatever waits behind them
/// stays on disk.</summary>
/// <remarks>Safe for use by many threads, but for loading, reading and writing, which are the sender's.</remarks>
internal sealed class UpWindow
{
    private const int MaxBytes = 8 << 20;
    private const int MaxEntries = 32_768;           // also those that are done and stand behind one that is not: some 200 bytes each
    private const int SliceBytes = 256 << 10;
    private const int MaxTold = 200_000;             // some 100 bytes each; forgotten all at once

    private readonly Lock _lock = new();
    private readonly LocalStore _store;
    private readonly Dictionary<LaneId, UpLane> _lanes = [];
    private readonly Dictionary<(ProducerId Producer, StreamPartition Partition), List<UpEntry>> _lines = [];
    private readonly Dictionary<(ProducerId, StreamPartition), (ulong Epoch, long First, long Last)> _told = [];
    private readonly HashSet<UpLane> _moved = [];
    private readonly List<long> _gone = [];
    private long _placed;
    private readonly EventBatchBuilder _builder = new();
    private long _bytes;
    private int _entries;
    private int _turn;

    public UpWindow(LocalStore store)
    {
        _store = store;
        foreach (LaneRow lane in store.UpLanes)
        {
            _lanes.Add(lane.Lane, new UpLane(lane.Lane, Math.Max(lane.Sent, lane.FirstOffset), lane.NextOffset));
        }
    }

    /// <summary>Events that wait, on disk and in memory; an upper bound while answers come in.</summary>
    public long Waiting
    {
        get
        {
            long waiting = 0;
            foreach (LaneRow lane in _store.UpLanes)
            {
                waiting += lane.NextOffset - Math.Max(lane.Sent, lane.FirstOffset);
            }

            return waiting + _store.RoutedWaiting;
        }
    }

    /// <summary>Bytes of what takes routes and is under way.</summary>
    public long PlacedBytes
    {
        get
        {
            lock (_lock)
            {
                return _placed;
            }
        }
    }

    /// <summary>Takes in what takes routes and has got sequences, in their order.</summary>
    public void Add(IReadOnlyList<PlacedBatch> placed, List<UpEntry> fresh)
    {
        foreach (PlacedBatch batch in placed)
        {
            UpEntry entry = new(null, batch.Target, batch.Id, AfterVector.Empty, batch.Batch, batch.WasTried);
            if (Take(entry))
            {
                fresh.Add(entry);
            }
        }
    }

    /// <summary>Reads more where there is room: adds what is new, in the order of each lane.</summary>
    public void Load(List<UpEntry> fresh)
    {
        IReadOnlyList<LaneRow> rows = _store.UpLanes;
        int idle = 0;
        for (int i = 0; idle < rows.Count && HasRoom(); i++)
        {
            LaneRow row = rows[(_turn + i) % rows.Count];
            idle = LoadLane(row, fresh) ? 0 : idle + 1;
        }

        _turn++;
    }

    /// <summary>Puts events of a producer into one batch, from <paramref name="first"/> to at most <paramref name="last"/>, as many as
    /// <paramref name="maxBytes"/> hold and have the same that must be passed before them; at least one. Gives the last, and what must be
    /// passed.</summary>
    public long Read(StreamPartition partition, EventIdentity first, long last, int maxBytes, out AfterVector after, out bool hasTwins,
        out bool oneTopic)
    {
        _builder.Clear();
        after = AfterVector.Empty;
        hasTwins = false;
        oneTopic = true;
        long read = first.Sequence - 1;
        ReadOnlyMemory<byte> topic = default;
        foreach (UpEntry entry in Entries((first.Producer, partition), first.Sequence, last))
        {
            if (_builder.Count > 0 && !HasSame(entry.After, after))
            {
                break;
            }

            after = entry.After;
            hasTwins |= entry.Header.MayHaveTwins || entry.WasTried;
            foreach (EventView view in entry.Batch.Events)
            {
                long sequence = entry.Header.FirstSequence + view.Index;
                if (sequence <= read || sequence < entry.From)
                {
                    continue;
                }

                if (sequence != read + 1 || sequence > last || !_builder.TryAdd(view.Topic.Span, view.Key.Span, view.Headers.Span,
                    view.Payload.Span, view.TimestampMicroseconds, _builder.Count == 0 ? EventLimits.MaxBatchBytes : maxBytes,
                    view.IsRetained))
                {
                    return read;
                }

                oneTopic &= _builder.Count == 1 || topic.Span.SequenceEqual(view.Topic.Span);
                topic = view.Topic;
                read = sequence;
            }
        }

        return read;
    }

    /// <summary>Bytes of what was read, before compression.</summary>
    public int BodyBytes => _builder.Bytes - BatchHeader.Size;

    /// <summary>The batch of what was read, behind <paramref name="output"/>'s end.</summary>
    public BatchHeader Write(EventIdentity first, (ulong Epoch, long Sequence) predecessor, bool mayHaveTwins,
        BatchCompression compression, IBufferWriter<byte> output)
    {
        BatchHeader head = _builder.Write(first, predecessor, mayHaveTwins, output, compression);
        _builder.Clear();
        return head;
    }

    /// <summary>What was read is not sent after all.</summary>
    public void Drop() => _builder.Clear();

    /// <summary>The events of a run, for keeping them elsewhere; <see langword="null"/> when none is here.</summary>
    public EventBatch? Copy(ProducerId producer, StreamPartition partition, long from, long last)
    {
        EventBatchBuilder copy = new();
        EventIdentity first = default;
        foreach (UpEntry entry in Entries((producer, partition), from, last))
        {
            foreach (EventView view in entry.Batch.Events)
            {
                long sequence = entry.Header.FirstSequence + view.Index;
                if (sequence >= from && sequence >= entry.From && sequence <= last)
                {
                    first = copy.Count == 0 ? entry.Header.Identity(view.Index) : first;
                    copy.TryAdd(view.Topic.Span, view.Key.Span, view.Headers.Span, view.Payload.Span, view.TimestampMicroseconds,
                        isRetained: view.IsRetained);
                }
            }
        }

        return copy.Count == 0 ? null : copy.Build(first, default, mayHaveTwins: false);
    }

    /// <summary>A cluster has these events, or refused them for good and they are kept: they are done.</summary>
    public void Done(ProducerId producer, StreamPartition partition, long first, long last)
    {
        lock (_lock)
        {
            if (!_lines.TryGetValue((producer, partition), out List<UpEntry>? line))
            {
                return;
            }

            for (int i = 0; i < line.Count && line[i].From <= last; i++)
            {
                if (line[i].Header.LastSequence >= first && line[i].Done(first, last))
                {
                    _bytes -= line[i].Bytes;
                    Advance(line[i]);
                    line.RemoveAt(i--);
                }
            }

            if (line.Count == 0)
            {
                _lines.Remove((producer, partition));
            }
        }
    }

    /// <summary>The lanes that have moved since this was asked for last, and how far each has gone up.</summary>
    public IReadOnlyList<(LaneId Lane, long Sent)> TakeMoved()
    {
        lock (_lock)
        {
            if (_moved.Count == 0)
            {
                return [];
            }

            (LaneId, long)[] moved = [.. _moved.Select(static l => (l.Lane, l.Sent))];
            _moved.Clear();
            return moved;
        }
    }

    /// <summary>Rows of entries with routes that are done since this was asked for last.</summary>
    public IReadOnlyList<long> TakeGone()
    {
        lock (_lock)
        {
            long[] gone = [.. _gone];
            _gone.Clear();
            return gone;
        }
    }

    /// <summary>What was taken was not stored: it is given again.</summary>
    public void PutBack(IReadOnlyList<(LaneId Lane, long Sent)> moved, IReadOnlyList<long> gone)
    {
        lock (_lock)
        {
            _gone.AddRange(gone);
            foreach ((LaneId lane, _) in moved)
            {
                _moved.Add(_lanes[lane]);
            }
        }
    }

    private static bool HasSame(AfterVector a, AfterVector b) => a.Places.SequenceEqual(b.Places);

    private bool HasRoom()
    {
        lock (_lock)
        {
            return _bytes < MaxBytes && _entries < MaxEntries;
        }
    }

    private bool LoadLane(LaneRow row, List<UpEntry> fresh)
    {
        UpLane? lane;
        lock (_lock)
        {
            if (!_lanes.TryGetValue(row.Lane, out lane))
            {
                _lanes.Add(row.Lane, lane = new UpLane(row.Lane, Math.Max(row.Sent, row.FirstOffset), triedTo: 0));
            }
        }

        if (lane.Next >= row.NextOffset)
        {
            return false;
        }

        (List<(long Offset, AfterVector After, EventBatch Batch)> entries, long next) = _store.ReadUp(row, lane.Next, SliceBytes);
        foreach ((long offset, AfterVector after, EventBatch batch) in entries)
        {
            UpEntry entry = new(lane, row.Lane.Partition, offset, after.Without(_store.Origin), batch, offset < lane.TriedTo);
            if (Take(entry))
            {
                fresh.Add(entry);
            }
        }

        lock (_lock)
        {
            lane.Next = next;
            if (lane.Skip())
            {
                _moved.Add(lane);
            }
        }

        return true;
    }

    // Sequences of a producer rise in a lane, but for a batch that was held in part when it came, which has some that are here already, and
    // where a device's outbox was put back from an old copy, or the agent that it left brings what comes before.
    private bool Take(UpEntry entry)
    {
        BatchHeader head = entry.Header;
        lock (_lock)
        {
            entry.Lane?.Entries.Enqueue(entry);
            _entries++;
            (ProducerId, StreamPartition) key = (head.Producer, entry.Partition);
            (ulong epoch, long first, long last) = _told.GetValueOrDefault(key);
            if (head.FirstSequence <= last && (head.Epoch != epoch || head.LastSequence < first))
            {
                entry.IsPutBack = true;
                return true;
            }

            entry.From = Math.Max(head.FirstSequence, last + 1);
            entry.LeaveOut(Math.Min(entry.From, head.LastSequence + 1) - head.FirstSequence);
            if (entry.IsDone)
            {
                Advance(entry);
                return false;
            }

            if (_told.Count >= MaxTold)
            {
                _told.Clear();
            }

            _told[key] = (head.Epoch, last == 0 ? head.FirstSequence : first, head.LastSequence);
            if (!_lines.TryGetValue(key, out List<UpEntry>? line))
            {
                _lines.Add(key, line = []);
            }

            line.Add(entry);
            _placed += entry.Lane is null ? entry.Bytes : 0;
            _bytes += entry.Bytes;
            return true;
        }
    }

    /// <summary>A batch that is not to be sent is done.</summary>
    public void LeaveOut(UpEntry entry)
    {
        lock (_lock)
        {
            entry.LeaveOut(entry.Left);
            Advance(entry);
        }
    }

    // It is done.
    private void Advance(UpEntry entry)
    {
        if (entry.Lane is not { } lane)
        {
            _entries--;
            _placed -= entry.Bytes;
            _gone.Add(entry.Id);
            return;
        }

        int taken = lane.Advance();
        if (taken > 0)
        {
            lane.Skip();
            _entries -= taken;
            _moved.Add(lane);
        }
    }

    private List<UpEntry> Entries((ProducerId, StreamPartition) key, long first, long last)
    {
        List<UpEntry> found = [];
        lock (_lock)
        {
            foreach (UpEntry entry in _lines.GetValueOrDefault(key, []))
            {
                if (entry.Header.LastSequence >= first && entry.From <= last)
                {
                    found.Add(entry);
                }
            }
        }

        return found;
    }
}
