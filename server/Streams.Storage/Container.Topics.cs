using System.Collections.Immutable;
using System.Text;
using Streams.Core;

namespace Streams.Storage;

/// <summary>What reads by topic: costs what the topic has, not what the lane has.</summary>
public sealed partial class Container
{
    // More entries are not gathered at once, and a topic that stands in nearly all of them is as well read with the lane.
    private const int MaxMentions = 4096;

    /// <summary>Reads flushed entries of a lane that have events of a topic, beginning with the first that reaches
    /// <paramref name="from"/>: at least one if there is one, else as many as fit <paramref name="maxBytes"/>.</summary>
    /// <exception cref="InvalidFormatException">An entry or an index is damaged here.</exception>
    /// <exception cref="StorageFailedException">The disk refused to read.</exception>
    public async ValueTask<TopicSlice> ReadTopicAsync(LaneId lane, TopicName topic, Offset from, int maxBytes,
        CancellationToken cancellationToken)
    {
        byte[] name = Encoding.UTF8.GetBytes(topic.Value);
        ulong hash = BatchTopics.Hash(name);
        if (Find(lane, hash, name, from) is not { } found)
        {
            LaneSlice all = await ReadAsync(lane, from, maxBytes, cancellationToken);
            return new TopicSlice(all, all.Entries.Count > 0 ? all.Entries[^1].NextOffset : from);
        }

        List<long> entries = [];
        long first = found.Parts.Count > 0 && found.Parts[0].FirstEntry <= found.From
            ? Math.Max(found.From, found.Parts[0].FirstEntry + found.Parts[0].LastAtOrBefore(from.Value)) : found.From;
        foreach (FilePart part in found.Parts)
        {
            part.Mentions(hash, first, MaxMentions, entries);
        }

        bool isCut = entries.Count == MaxMentions;
        entries.AddRange(found.Entries);
        entries.Sort();                               // parts in files and in memory may lie between each other
        isCut |= entries.Count > MaxMentions;
        AddRepaired(lane, first, entries);
        EntryPlace[] places = new EntryPlace[Math.Min(entries.Count, MaxMentions)];
        int count = 0;
        for (long bytes = 0; count < places.Length; count++)
        {
            places[count] = PlaceOf(lane, entries[count]);
            bytes += places[count].Bytes;
            if (count > 0 && (bytes > maxBytes || !places[count].IsReadable))
            {
                isCut = true;
                break;
            }
        }

        if (count == 0)
        {
            return new TopicSlice(LaneSlice.Empty, found.End);
        }

        LaneSlice slice = await EntryReader.ReadAsync(_log, lane, entries, places[..count], NoteDamage, cancellationToken);
        return new TopicSlice(slice, isCut ? slice.Entries[^1].NextOffset : found.End);
    }

    /// <summary>The latest event of a topic over all lanes, or <see langword="null"/>: of the last ones of each lane the one with the
    /// latest time. An indexed read of one entry; the first time after the container was opened also of the lanes' indexes.</summary>
    /// <exception cref="InvalidFormatException">The entry or an index is damaged here.</exception>
    /// <exception cref="StorageFailedException">The disk refused to read.</exception>
    public async ValueTask<LatestValue?> LatestAsync(StreamPath stream, TopicName topic, CancellationToken cancellationToken)
    {
        byte[] name = Encoding.UTF8.GetBytes(topic.Value);
        ulong hash = BatchTopics.Hash(name);
        List<TopicHead> heads = [];
        List<LaneState> unseen = [];
        lock (_gate)
        {
            if (_state.Topics.Of(stream) is not { } topics)
            {
                return null;
            }

            if (!topics.Heads(hash, name, heads))
            {
                unseen = LanesWithout(stream, heads);
            }
        }

        if (unseen.Count > 0)
        {
            heads.AddRange(await LookUpAsync(unseen, hash, name, cancellationToken));
        }

        lock (_gate)
        {
            _state.Topics.Of(stream)!.Complete(hash, name, heads);
        }

        heads.RemoveAll(h => h.Offset < h.Lane.FirstOffset);   // retention took it
        if (heads.Count == 0)
        {
            return null;
        }

        TopicHead latest = heads.Max();
        using LaneSlice slice = await ReadAsync(latest.Lane.Id, new Offset(latest.Offset), 1, cancellationToken);
        return slice.Entries.Count == 0 ? null : Copy(slice.Entries[0], latest);
    }

    private static LatestValue? Copy(LaneEntry entry, in TopicHead head)
    {
        foreach (EventView view in EventBatch.Parse(entry.Body).Events)
        {
            if (entry.BaseOffset.Value + view.Index == head.Offset)
            {
                return new LatestValue(head.Lane.Id, new Offset(head.Offset), view.TimestampMicroseconds, view.Key.ToArray(),
                    view.Headers.ToArray(), view.Payload.ToArray());
            }
        }

        return null;
    }

    private List<LaneState> LanesWithout(StreamPath stream, List<TopicHead> heads)
    {
        List<LaneState> lanes = [];
        for (int partition = 0; partition < (_state.Settings(stream)?.Partitions ?? 0); partition++)
        {
            foreach (LaneState lane in _state.Lanes.Of(new StreamPartition(stream, new PartitionId(partition))))
            {
                if (!heads.Exists(h => ReferenceEquals(h.Lane, lane)))
                {
                    lanes.Add(lane);
                }
            }
        }

        return lanes;
    }

    private async ValueTask<List<TopicHead>> LookUpAsync(List<LaneState> lanes, ulong hash, byte[] topic,
        CancellationToken cancellationToken)
    {
        List<TopicHead> heads = [];
        foreach (LaneState lane in lanes)
        {
            long entry = LastMention(lane, hash);
            if (entry < 0)
            {
                continue;
            }

            using LaneSlice slice = await ReadAsync(lane.Id, new EntryNumber(entry), 1, cancellationToken);
            if (slice.Entries.Count > 0 && slice.Entries[0].Kind == EntryKind.Events)
            {
                long baseOffset = slice.Entries[0].BaseOffset.Value;
                foreach (ref readonly TopicMention mention in BatchTopics.Of(EventBatch.Parse(slice.Entries[0].Body)).Mentions)
                {
                    if (mention.Hash == hash && mention.Topic.Span.SequenceEqual(topic))
                    {
                        heads.Add(new TopicHead(lane, baseOffset + mention.LastEvent, mention.Timestamp));
                    }
                }
            }
        }

        return heads;
    }

    // In the files: what is in memory was seen.
    private long LastMention(LaneState lane, ulong hash)
    {
        List<FilePart> parts = [];
        lock (_gate)
        {
            for (int i = lane.Parts - 1; i >= 0; i--)
            {
                if (lane.Part(i) is FilePart part)
                {
                    parts.Add(part);
                }
            }
        }

        foreach (FilePart part in parts)
        {
            long found = part.LastMention(hash);
            if (found >= 0)
            {
                return found;
            }
        }

        return -1;
    }

    // The parts of a lane in files, and the entries in memory, that may mention a topic at or behind an offset; null when it is better to
    // read the lane.
    private (List<FilePart> Parts, List<long> Entries, long From, Offset End)? Find(LaneId id, ulong hash, byte[] name,
        Offset from)
    {
        lock (_gate)
        {
            if (_state.Lanes.Find(id) is not { Parts: > 0 } lane || from.Value >= lane.NextOffset)
            {
                return ([], [], 0, from);
            }

            int first = lane.PartHolding(Math.Max(from.Value, lane.FirstOffset));
            LanePart begin = lane.Part(first);
            long entry = begin is MemoryPart ? begin.FirstEntry + Math.Max(0, begin.LastAtOrBefore(from.Value)) : begin.FirstEntry;
            entry = Math.Max(entry, lane.FirstEntry);
            List<FilePart> parts = [];
            LanePart? inMemory = null;
            for (int i = first; i < lane.Parts; i++)
            {
                if (lane.Part(i) is FilePart part)
                {
                    parts.Add(part);
                }
                else
                {
                    inMemory ??= lane.Part(i);
                }
            }

            List<long> entries = [];
            MentionSlot known = _state.Topics.Of(id.Partition.Stream)?.MentionsOf(hash, name) ?? default;
            bool few = _state.Contents.Mentions.TryFind(lane.Number, hash, known, entry, MaxMentions, entries);
            foreach (SegmentContents ended in _state.Ended)
            {
                few = few && ended.Mentions.TryFind(lane.Number, hash, known, entry, MaxMentions, entries);
            }

            if (few)
            {
                return (parts, entries, entry, new Offset(lane.NextOffset));
            }

            // The topic stands nearly everywhere in what is in memory: go to there by the files, and from there with the lane.
            parts.RemoveAll(p => p.FirstEntry > inMemory!.FirstEntry);
            return parts.Count > 0 && from.Value < inMemory!.FirstOffset ? (parts, [], entry, new Offset(inMemory.FirstOffset)) : null;
        }
    }

    // No index knows what entries mention that were got back later: they may all.
    private void AddRepaired(LaneId id, long from, List<long> entries)
    {
        ImmutableSortedDictionary<long, EntryPlace>? repaired;
        lock (_gate)
        {
            repaired = _state.Lanes.Find(id)?.Repaired;
        }

        foreach (long entry in repaired?.Keys ?? [])
        {
            if (entry >= from && entries.BinarySearch(entry) is var at and < 0)
            {
                entries.Insert(~at, entry);
            }
        }
    }

    private EntryPlace PlaceOf(LaneId id, long entry)
    {
        LanePart part;
        lock (_gate)
        {
            if (_state.Lanes.Find(id) is not { } lane || entry < lane.FirstEntry)
            {
                return new EntryPlace(-1, 0, 0, 0);
            }

            part = lane.Part(lane.PartOf(entry));
            if (part is MemoryPart || (lane.Repaired?.ContainsKey(entry) ?? false))
            {
                return lane.PlaceOf(entry);
            }
        }

        return part.Place((int)(entry - part.FirstEntry));
    }
}
