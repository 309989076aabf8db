using System.Text;
using Streams.Core;

namespace Streams.Storage;

/// <summary>What comes over links: entries at exact numbers, gaps, and joined state (invariant 4).</summary>
internal sealed partial class Stager
{
    /// <summary>The fork that the last <see cref="Ingest"/> met, for the log; or <see langword="null"/>.</summary>
    public string? Fork { get; private set; }

    /// <summary>Entries of a lane: those that are here are compared and skipped, the rest is taken as long as it follows.</summary>
    public IngestResult Ingest(LaneId id, IReadOnlyList<LaneEntry> entries, CheckedBody[] bodies)
    {
        ClosePlain(id.Partition);
        LaneState lane = Lane(id);
        if (FindFork(lane, entries) is { } fork)
        {
            Fork = fork;
            return new IngestResult(IngestOutcome.Fork, new EntryNumber(lane.StagedNextEntry));
        }

        for (int i = 0; i < entries.Count; i++)
        {
            long number = entries[i].Number.Value;
            if (number > lane.StagedNextEntry)
            {
                return new IngestResult(IngestOutcome.Ahead, new EntryNumber(lane.StagedNextEntry));
            }

            if (number < lane.NextEntry && lane.IsDamaged(number) && lane.FitsDamage(entries[i]))
            {
                StageRepair(lane, entries[i], bodies[i]);
            }

            if (number == lane.StagedNextEntry)
            {
                if (bodies[i].Topics is { } topics)
                {
                    Resolve(id.Partition.Stream, topics);
                }

                StageEntry(lane, Origin is { } here ? entries[i].PassedTo(here) : entries[i], bodies[i].Header, bodies[i].Topics);
            }
        }

        return new IngestResult(IngestOutcome.Taken, new EntryNumber(lane.StagedNextEntry));
    }

    /// <summary>Whether entries may be taken beside a group in flight: they are neither compared with what is damaged, which is known of
    /// what is published only, nor do they bring settings, which say when others are answered.</summary>
    public bool MayOverlap(LaneId id, IReadOnlyList<LaneEntry> entries)
    {
        bool may = _state.Lanes.Find(id) is not { Damaged.Count: > 0 };
        for (int i = 0; i < entries.Count && may; i++)
        {
            may = entries[i].Kind != EntryKind.Registers;
        }

        return may;
    }

    // It goes to the end of the log: what was damaged stays where it is, and is not looked at any more.
    private void StageRepair(LaneState lane, LaneEntry entry, in CheckedBody body)
    {
        if (Origin is { } here && !entry.Path.Contains(here))
        {
            entry = entry.PassedTo(here);
        }

        body.Topics?.Rows.Fill(-1);
        Declare(lane);
        _buffer.BeginRecord();
        RecordBodies.WriteEntry(_buffer, lane.Number, entry);
        (long position, int length) = _buffer.EndRecord(RecordKind.LaneRepaired);
        _records.Add(new StagedRecord(RecordKind.LaneRepaired, lane, entry,
            new EntryPlace(position, length, Crc32C.Compute(entry.Body.Span), entry.BaseOffset.Value), body.Header, body.Topics));
        ChangesLanes = true;
        _changedStreams.Add(lane.Id.Partition.Stream);
    }

    /// <summary>The fork met since the last call.</summary>
    public string? TakeFork()
    {
        string? fork = Fork;
        Fork = null;
        return fork;
    }

    /// <summary>The copy of a lane begins at <paramref name="first"/>, unless the entry before it is here.</summary>
    public void Skip(LaneId id, EntryNumber first, Offset firstOffset)
    {
        ClosePlain(id.Partition);
        LaneState lane = Lane(id);
        if (lane.StagedNextEntry >= first.Value)
        {
            return;
        }

        StageSkip(lane, first, firstOffset, long.MaxValue);
        lane.StageSkip(first.Value, firstOffset.Value);
        ChangesLanes = true;
        _changedStreams.Add(id.Partition.Stream);
    }

    /// <summary>Retention: a lane's copy begins at <paramref name="first"/>, at most behind what is flushed; gives where it
    /// begins.</summary>
    public EntryNumber Trim(LaneId id, EntryNumber first)
    {
        if (_state.Lanes.Find(id) is not { } lane)
        {
            return EntryNumber.Zero;
        }

        long to = Math.Min(first.Value, lane.NextEntry);
        if (to <= lane.FirstEntry)
        {
            return new EntryNumber(lane.FirstEntry);
        }

        Offset offset = new(to == lane.NextEntry ? lane.NextOffset : lane.PlaceOf(to).BaseOffset);
        EntryNumber begin = new(to);
        StageSkip(Lane(id), begin, offset, lane.BytesBefore(to));
        ChangesLanes = true;
        _changedStreams.Add(id.Partition.Stream);
        return begin;
    }

    private void StageSkip(LaneState lane, EntryNumber first, Offset firstOffset, long bytesBefore)
    {
        Declare(lane);
        _buffer.BeginRecord();
        RecordBodies.WriteSkip(_buffer, lane.Number, first, firstOffset);
        _buffer.EndRecord(RecordKind.LaneSkip);
        _records.Add(new StagedRecord(RecordKind.LaneSkip, lane, (first, firstOffset, bytesBefore), default, default));
    }

    /// <summary>Joins state; gives what of it changes something. What changes nothing is not written, nor is what another link has brought
    /// in the same group.</summary>
    public IReadOnlyList<StateItem> Join(IReadOnlyList<StateItem> items)
    {
        List<StateItem>? changed = null;
        foreach (StateItem item in items)
        {
            if (Reduce(item) is not { } changing || !_stagedItems.Add(changing))
            {
                continue;
            }

            (changed ??= []).Add(changing);
            StageItem(changing);
            if (item.Kind != StateKind.Opened)
            {
                _changedStreams.Add(item.Partition.Stream);
            }
        }

        return changed ?? (IReadOnlyList<StateItem>)[];
    }

    private void StageItem(StateItem item)
    {
        _buffer.BeginRecord();
        RecordBodies.WriteItem(_buffer, item);
        (long position, int length) = _buffer.EndRecord(RecordKind.Joined);
        _records.Add(new StagedRecord(RecordKind.Joined, null, item, new EntryPlace(position, length, 0, 0), default));
    }

    // Two histories of one lane: the same number with other bytes, or a next entry at another offset.
    private static string? FindFork(LaneState lane, IReadOnlyList<LaneEntry> entries)
    {
        long next = lane.StagedNextEntry;
        long nextOffset = lane.StagedNextOffset;
        foreach (LaneEntry entry in entries)
        {
            if (entry.Number.Value < next)
            {
                uint? here = lane.ChecksumOf(entry.Number.Value);
                if (here is not null && here != Crc32C.Compute(entry.Body.Span))
                {
                    return $"{lane.Id}: entry {entry.Number} differs from the one here";
                }
            }
            else if (entry.Number.Value == next)
            {
                if (entry.BaseOffset.Value != nextOffset)
                {
                    return $"{lane.Id}: entry {entry.Number} begins at offset {entry.BaseOffset}, here it would be {nextOffset}";
                }

                next++;
                nextOffset = entry.NextOffset.Value;
            }
            else
            {
                break;
            }
        }

        return null;
    }

    private StateItem? Reduce(in StateItem item)
    {
        StreamPath stream = item.Partition.Stream;
        switch (item.Kind)
        {
            case StateKind.Cursor when StateItems.TryReadCursor(item, out ConsumerName consumer, out Cursor cursor):
                Cursor kept = _state.Cursors.Get(consumer, item.Partition);
                return ReferenceEquals(Cursor.Join(kept, cursor), kept) ? null : item;
            case StateKind.Register when RegisterFacts.TryRead(item.Body, out List<RegisterFact> facts):
                return facts.Exists(f => _state.Registers.WouldChange(stream, f)) ? item : null;
            case StateKind.Topics when TopicFacts.TryRead(item.Body, out List<TopicFact> topics):
                topics.RemoveAll(t => !_state.Topics.WouldChange(stream, t));
                return topics.Count == 0 ? null : item with { Body = TopicFacts.Write(topics) };
            case StateKind.Opened when StateItems.TryReadOpened(item, out Origin origin):
                return _state.Origins.Latest(origin.Cluster) is { } latest && latest >= origin.Incarnation ? null : item;
            case StateKind.Held when StateItems.TryReadHeld(item, out HeldRun held):
                RunList? runs = _state.Ledger.Runs(item.Partition, held.Run.Producer, held.Run.Epoch, held.Origin);
                return runs?.Contains(held.Run.First, held.Run.Last, held.FirstOffset.Value) ?? false ? null : item;
            case StateKind.Retained when RetainedItem.TryRead(item, 0, out RetainedItem retained):
                byte[] topic = Encoding.UTF8.GetBytes(retained.Topic.Topic.Value);
                RetainedMark? known = _state.Topics.Of(stream)?.Retained(BatchTopics.Hash(topic), topic);
                return known is { } mark && mark.CompareTo(retained.Mark) >= 0 ? null : item;
            default:
                return null;
        }
    }
}
