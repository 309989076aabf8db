using System.Buffers;
using System.Buffers.Binary;
using Streams.Core;

namespace Streams.Geo;

/// <summary>Reads frames from bytes that are not trusted: lengths and counts are bounded before memory is taken, checksums are checked
/// before
/// a body is looked at. Each frame owns its memory.</summary>
internal static class FrameReader
{
    /// <summary>Takes one frame from the front of <paramref name="buffer"/>, or none when it is not all there.</summary>
    /// <param name="buffer">What was received; moved behind the frame.</param>
    /// <param name="maxBodyBytes">The largest body accepted now.</param>
    /// <param name="frame">The frame.</param>
    /// <exception cref="InvalidFormatException">The bytes are no frame: the connection cannot be read any further.</exception>
    public static bool TryRead(ref ReadOnlySequence<byte> buffer, int maxBodyBytes, out LinkFrame? frame)
    {
        frame = null;
        if (buffer.Length < LinkLimits.HeaderBytes)
        {
            return false;
        }

        Span<byte> head = stackalloc byte[LinkLimits.HeaderBytes];
        buffer.Slice(0, LinkLimits.HeaderBytes).CopyTo(head);
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(head);
        FrameType type = (FrameType)head[8];
        if (type is < FrameType.Hello or > FrameType.Lost)
        {
            throw new InvalidFormatException($"link frame: unknown type {(byte)type}");
        }

        if (length > (uint)maxBodyBytes)
        {
            throw new InvalidFormatException($"link frame: {type} declares {length} bytes, at most {maxBodyBytes} are allowed here");
        }

        if (buffer.Length - LinkLimits.HeaderBytes < length)
        {
            return false;
        }

        byte[] body = buffer.Slice(LinkLimits.HeaderBytes, length).ToArray();
        if (Crc32C.Compute(body, Crc32C.Compute(head[8..])) != BinaryPrimitives.ReadUInt32LittleEndian(head[4..]))
        {
            throw new InvalidFormatException($"link frame: the checksum of {type} ({length} bytes) does not match");
        }

        frame = Parse(type, body);
        buffer = buffer.Slice(LinkLimits.HeaderBytes + length);
        return true;
    }

    /// <summary>Reads a body whose checksum was right.</summary>
    /// <exception cref="InvalidFormatException">It is no body of this type.</exception>
    public static LinkFrame Parse(FrameType type, ReadOnlyMemory<byte> body)
    {
        ByteReader reader = new(body);
        LinkFrame frame = type switch
        {
            FrameType.Hello => new HelloFrame((int)reader.Varint(int.MaxValue), reader.Origin(), reader.Cluster(), Flag(ref reader)),
            FrameType.Welcome => new WelcomeFrame(reader.Origin(), reader.Varint(long.MaxValue), Known(ref reader)),
            FrameType.Refused => new RefusedFrame(reader.Text(LinkLimits.MaxReasonBytes)),
            FrameType.Reach => new ReachFrame(Names(ref reader)),
            FrameType.Lanes => Lanes(ref reader),
            FrameType.Feed => new FeedFrame(Feeds(ref reader)),
            FrameType.Holds => Flag(ref reader) is var last ? new HoldsFrame(Heads(ref reader), last) : null!,
            FrameType.State => new StateFrame(Items(ref reader)),
            FrameType.StateEnd => new StateEndFrame(reader.Varint(long.MaxValue)),
            FrameType.Entry => new EntryFrame(Number(ref reader), Entry(ref reader)),
            FrameType.Skip => new SkipFrame(Number(ref reader), reader.Entry(), reader.Offset()),
            FrameType.Heads => new HeadsFrame(reader.Varint(long.MaxValue), Marks(ref reader)),
            FrameType.Ask => new AskFrame(Number(ref reader), reader.Entry(), reader.Entry()),
            FrameType.Ack => new AckFrame(reader.Varint(long.MaxValue), reader.Varint(long.MaxValue), Marks(ref reader)),
            FrameType.LaneRefused => new LaneRefusedFrame(Number(ref reader), reader.Text(LinkLimits.MaxReasonBytes)),
            FrameType.Fetch => new FetchFrame(reader.Lane(), reader.Entry(), (int)reader.Varint(LinkLimits.MaxBodyBytes)),
            FrameType.FetchEntry => new FetchEntryFrame(Entry(ref reader)),
            FrameType.FetchEnd => new FetchEndFrame(reader.Entry(), reader.Offset(), Gap(ref reader)),
            FrameType.Lost => new LostFrame(Number(ref reader), reader.Entry(), reader.Entry(), reader.Offset()),
            FrameType.Ping => new PingFrame(),
            FrameType.Pong => new PongFrame(),
            _ => throw new InvalidFormatException($"link frame: unknown type {(byte)type}"),
        };
        return reader.AtEnd ? frame
            : throw new InvalidFormatException($"link frame: the body of {type} ({body.Length} bytes) is malformed");
    }

    private static FetchGap Gap(ref ByteReader reader) => (FetchGap)reader.Byte() is var why and <= FetchGap.Damaged ? why
        : throw new InvalidFormatException("link frame: an answer ends for a reason that is none");

    private static int Number(ref ByteReader reader) => (int)reader.Varint(LinkLimits.MaxLanes - 1);

    private static bool Flag(ref ByteReader reader)
    {
        byte value = reader.Byte();
        if (value > 1)
        {
            reader.Fail();
        }

        return value == 1;
    }

    private static LaneEntry Entry(ref ByteReader reader)
    {
        ReadOnlyMemory<byte> bytes = reader.Rest();
        return EntryCodec.TryRead(bytes, out LaneEntry? entry, out string? fault) ? entry!
            : throw new InvalidFormatException($"link frame: {fault}");
    }

    /// <summary>Reads a count and checks it against what is left, so that a lie about it takes no memory.</summary>
    private static int Count(ref ByteReader reader, int max, int leastBytesEach)
    {
        int count = (int)reader.Varint(max);
        if ((long)count * leastBytesEach > reader.Remaining)
        {
            reader.Fail();
            return 0;
        }

        return count;
    }

    private static ClusterName[] Names(ref ByteReader reader)
    {
        ClusterName[] names = new ClusterName[Count(ref reader, LinkLimits.NamesPerFrame, 2)];
        for (int i = 0; i < names.Length && !reader.Failed; i++)
        {
            names[i] = reader.Cluster();
        }

        return names;
    }

    private static LaneHead[] Heads(ref ByteReader reader)
    {
        LaneHead[] heads = new LaneHead[Count(ref reader, LinkLimits.LanesPerFrame, 16)];
        for (int i = 0; i < heads.Length && !reader.Failed; i++)
        {
            heads[i] = new LaneHead(reader.Lane(), reader.Entry(), reader.Entry(), reader.Offset());
        }

        return heads;
    }

    private static Remembered Known(ref ByteReader reader) => new(reader.UInt64(), (int)reader.Varint(LinkLimits.MaxLanes),
        reader.Varint(long.MaxValue), (int)reader.Varint(LinkLimits.MaxReach), reader.Varint(long.MaxValue));

    private static LanesFrame Lanes(ref ByteReader reader)
    {
        ulong life = reader.UInt64();
        int first = (int)reader.Varint(LinkLimits.MaxLanes);
        bool last = Flag(ref reader);
        StreamPath[] streams = new StreamPath[Count(ref reader, LinkLimits.LanesPerFrame, 2)];
        for (int i = 0; i < streams.Length && !reader.Failed; i++)
        {
            streams[i] = reader.Stream();
        }

        Origin[] origins = new Origin[Count(ref reader, LinkLimits.LanesPerFrame, 10)];
        for (int i = 0; i < origins.Length && !reader.Failed; i++)
        {
            origins[i] = reader.Origin();
        }

        ListedLane[] lanes = new ListedLane[Count(ref reader, LinkLimits.LanesPerFrame, 5)];
        for (int i = 0; i < lanes.Length && !reader.Failed; i++)
        {
            int stream = Number(ref reader);
            lanes[i] = new ListedLane(stream, reader.Partition(), Number(ref reader), reader.Entry(), reader.Offset());
        }

        return new LanesFrame(life, first, streams, origins, lanes, last);
    }

    private static LaneFeed[] Feeds(ref ByteReader reader)
    {
        LaneFeed[] lanes = new LaneFeed[Count(ref reader, LinkLimits.LanesPerFrame, 1)];
        for (int i = 0; i < lanes.Length && !reader.Failed; i++)
        {
            long first = reader.Varint((2L * LinkLimits.MaxLanes) - 1);
            bool on = (first & 1) == 1;
            lanes[i] = new LaneFeed((int)(first >> 1), on, on ? reader.Entry() : default, on ? reader.Offset() : default);
        }

        return lanes;
    }

    private static LaneMark[] Marks(ref ByteReader reader)
    {
        LaneMark[] marks = new LaneMark[Count(ref reader, LinkLimits.LanesPerFrame, 3)];
        for (int i = 0; i < marks.Length && !reader.Failed; i++)
        {
            marks[i] = new LaneMark(Number(ref reader), reader.Entry(), reader.Offset());
        }

        return marks;
    }

    private static StateItem[] Items(ref ByteReader reader)
    {
        StateItem[] items = new StateItem[Count(ref reader, LinkLimits.ItemsPerFrame, 2)];
        for (int i = 0; i < items.Length && !reader.Failed; i++)
        {
            items[i] = StateItem.Read(ref reader);
        }

        return items;
    }
}
