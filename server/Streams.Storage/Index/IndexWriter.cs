using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Streams.Core;

namespace Streams.Storage;

/// <summary>Makes the index file of a segment that has ended, from what was gathered.</summary>
/// <remarks>Pure but for <see cref="Save"/>. What it reads changes no more, so it needs no lock. One use.</remarks>
internal sealed class IndexWriter
{
    private readonly SegmentContents _contents;
    private readonly ArrayBufferWriter<byte> _directory = new();
    private readonly List<MemoryPart> _parts = [];
    private readonly List<int> _lanes = [];
    private readonly IndexHeader _header;
    private readonly (int Part, ulong Topic, int Mention)[] _topics;
    private readonly (int First, int Count, int Mentions)[] _topicsOf;

    public IndexWriter(SegmentContents contents, Segment segment, long end, uint lastGroup)
    {
        _contents = contents;
        foreach (SegmentContents.Item item in contents.Items)
        {
            if (item.Part is { } part)
            {
                _parts.Add(part);
                _lanes.Add(item.Lane!.Number);
            }
        }

        _topics = SortTopics();
        _topicsOf = CountTopics(out int mentions);
        WriteDirectory();
        int places = 0;
        foreach (MemoryPart part in _parts)
        {
            places += part.Count;
        }

        _header = new IndexHeader(segment.First, end, lastGroup, places, _topics.Length, mentions, _directory.WrittenCount);
    }

    /// <summary>Writes the file. It need not be flushed: its checksums tell whether all of it came down.</summary>
    public IndexHeader Save(ILogDisk disk, string name)
    {
        using ILogFile file = disk.Create(name);
        PageWriter pages = new(file);
        _header.Write(pages.Row(IndexPage.DataBytes));
        pages.EndSection();
        WritePlaces(pages);
        WriteTopics(pages);
        WriteMentions(pages);
        ReadOnlySpan<byte> directory = _directory.WrittenSpan;
        for (int at = 0; at < directory.Length; at += IndexPage.DataBytes)
        {
            ReadOnlySpan<byte> piece = directory.Slice(at, Math.Min(IndexPage.DataBytes, directory.Length - at));
            piece.CopyTo(pages.Row(IndexPage.DataBytes));
        }

        pages.EndSection();
        pages.Finish();
        return _header;
    }

    // By part and hash: a lane's topics in a part stand together, in the order in which they are searched.
    private (int Part, ulong Topic, int Mention)[] SortTopics()
    {
        Dictionary<int, List<int>> partsOf = [];
        for (int i = 0; i < _parts.Count; i++)
        {
            (CollectionsMarshal.GetValueRefOrAddDefault(partsOf, _lanes[i], out _) ??= new List<int>(1)).Add(i);
        }

        List<(int Part, ulong Topic, int Mention)> topics = new(_contents.Mentions.Count);
        foreach ((int lane, ulong topic, int mention) in _contents.Mentions.All())
        {
            if (partsOf.TryGetValue(lane, out List<int>? parts))
            {
                Split(parts, topic, mention, topics);
            }
        }

        topics.Sort(static (a, b) => a.Part != b.Part ? a.Part.CompareTo(b.Part) : a.Topic.CompareTo(b.Topic));
        return [.. topics];
    }

    // A chain of mentions goes backwards through the parts of its lane: each gets the place in the chain where its own begin.
    private void Split(List<int> parts, ulong topic, int mention, List<(int Part, ulong Topic, int Mention)> into)
    {
        int last = -1;
        for (int at = mention, p = parts.Count - 1; at != 0 && p >= 0;)
        {
            int here = at;
            long entry = _contents.Mentions.Walk(ref at);
            while (p >= 0 && _parts[parts[p]].FirstEntry > entry)
            {
                p--;
            }

            if (p >= 0 && p != last && entry < _parts[parts[p]].NextEntry)
            {
                into.Add((parts[p], topic, here));
                last = p;
            }
        }
    }

    private (int First, int Count, int Mentions)[] CountTopics(out int mentions)
    {
        (int First, int Count, int Mentions)[] of = new (int, int, int)[_parts.Count];
        mentions = 0;
        for (int i = 0; i < _topics.Length; i++)
        {
            ref (int First, int Count, int Mentions) at = ref of[_topics[i].Part];
            if (at.Count++ == 0)
            {
                at.First = i;
                at.Mentions = mentions;
            }

            int count = CountMentions(_topics[i]);
            mentions += count == 1 ? 0 : count;
        }

        return of;
    }

    private int CountMentions(in (int Part, ulong Topic, int Mention) topic)
    {
        int count = 0;
        for (int at = topic.Mention; at != 0 && _contents.Mentions.Walk(ref at) >= _parts[topic.Part].FirstEntry;)
        {
            count++;
        }

        return count;
    }

    private void WriteDirectory()
    {
        ByteWriter writer = new(_directory);
        int part = 0;
        int places = 0;
        foreach (SegmentContents.Item item in _contents.Items)
        {
            writer.Byte((byte)item.Kind);
            if (item.Part is not { } entries)
            {
                writer.Block(item.Body);
                continue;
            }

            writer.Varint((ulong)item.Lane!.Number);
            writer.Varint((ulong)entries.FirstEntry);
            writer.Varint((ulong)entries.Count);
            writer.Varint((ulong)entries.FirstOffset);
            writer.Varint((ulong)entries.NextOffset);
            writer.Varint((ulong)Events(entries));
            writer.Varint((ulong)entries.Bytes);
            writer.SignedVarint(entries.Place(0).AppendedBy);
            writer.SignedVarint(entries.AppendedBy);
            writer.Varint((ulong)places);
            writer.Varint((ulong)_topicsOf[part].First);
            writer.Varint((ulong)_topicsOf[part].Count);
            writer.Varint((ulong)_topicsOf[part].Mentions);
            places += entries.Count;
            part++;
        }
    }

    // Those that were lost to damage are not among them.
    private static long Events(MemoryPart part)
    {
        long events = 0;
        for (int i = 0; i < part.Count; i++)
        {
            EntryPlace place = part.Place(i);
            events += place.IsReadable ? (i + 1 < part.Count ? part.Place(i + 1).BaseOffset : part.NextOffset) - place.BaseOffset : 0;
        }

        return events;
    }

    private void WritePlaces(PageWriter pages)
    {
        foreach (MemoryPart part in _parts)
        {
            long before = 0;
            for (int i = 0; i < part.Count; i++)
            {
                EntryPlace place = part.Place(i);
                Span<byte> row = pages.Row(IndexHeader.PlaceBytes);
                BinaryPrimitives.WriteUInt32LittleEndian(row, place.IsReadable ? (uint)(place.Position - _header.First) : uint.MaxValue);
                BinaryPrimitives.WriteInt32LittleEndian(row[4..], place.BodyLength);
                BinaryPrimitives.WriteUInt32LittleEndian(row[8..], place.Checksum);
                BinaryPrimitives.WriteUInt32LittleEndian(row[12..], (uint)(before / RecordHeader.Alignment));
                BinaryPrimitives.WriteInt64LittleEndian(row[16..], place.BaseOffset);
                BinaryPrimitives.WriteInt64LittleEndian(row[24..], place.AppendedBy);
                before += place.Bytes;
            }
        }

        pages.EndSection();
    }

    private void WriteTopics(PageWriter pages)
    {
        int mentions = 0;
        foreach ((int Part, ulong Topic, int Mention) topic in _topics)
        {
            int count = CountMentions(topic);
            int at = topic.Mention;
            uint first = count == 1 ? (uint)(_contents.Mentions.Walk(ref at) - _parts[topic.Part].FirstEntry)
                : (uint)(mentions - _topicsOf[topic.Part].Mentions);
            Span<byte> row = pages.Row(IndexHeader.TopicBytes);
            BinaryPrimitives.WriteUInt64LittleEndian(row, topic.Topic);
            BinaryPrimitives.WriteUInt32LittleEndian(row[8..], first);
            BinaryPrimitives.WriteUInt32LittleEndian(row[12..], (uint)count);
            mentions += count == 1 ? 0 : count;
        }

        pages.EndSection();
    }

    private void WriteMentions(PageWriter pages)
    {
        List<uint> rows = [];
        foreach ((int Part, ulong Topic, int Mention) topic in _topics)
        {
            int count = CountMentions(topic);
            if (count == 1)
            {
                continue;
            }

            rows.Clear();
            for (int at = topic.Mention; rows.Count < count;)
            {
                rows.Add((uint)(_contents.Mentions.Walk(ref at) - _parts[topic.Part].FirstEntry));
            }

            for (int i = rows.Count - 1; i >= 0; i--)
            {
                BinaryPrimitives.WriteUInt32LittleEndian(pages.Row(IndexHeader.MentionBytes), rows[i]);
            }
        }

        pages.EndSection();
    }
}
