using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Streams.Core;

namespace Streams.Geo;

/// <summary>Writes frames, the mirror of <see cref="FrameReader"/>. Not safe for several threads: it keeps one body of memory between
/// calls.</summary>
internal sealed class FrameWriter
{
    /// <summary>A body that grew larger is given back rather than kept for the life of the connection.</summary>
    private const int KeptBytes = 1 << 20;

    private const int FirstBytes = 4096;

    private ArrayBufferWriter<byte> _body = new(FirstBytes);

    /// <summary>Writes a frame and gives its length.</summary>
    public int Write(IBufferWriter<byte> output, LinkFrame frame)
    {
        _body.ResetWrittenCount();
        ByteWriter writer = new(_body);
        writer.Byte((byte)frame.Type);
        WriteBody(ref writer, frame);
        ReadOnlySpan<byte> bytes = _body.WrittenSpan;
        Span<byte> head = output.GetSpan(8);
        BinaryPrimitives.WriteInt32LittleEndian(head, bytes.Length - 1);
        BinaryPrimitives.WriteUInt32LittleEndian(head[4..], Crc32C.Compute(bytes));
        output.Advance(8);
        output.Write(bytes);
        int length = 8 + bytes.Length;
        if (_body.Capacity > KeptBytes)
        {
            _body = new ArrayBufferWriter<byte>(FirstBytes);
        }

        return length;
    }

    /// <summary>Gives memory back that only larger frames needed.</summary>
    public void Rest()
    {
        if (_body.Capacity > FirstBytes)
        {
            _body = new ArrayBufferWriter<byte>(FirstBytes);
        }
    }

    private void WriteBody(ref ByteWriter writer, LinkFrame frame)
    {
        switch (frame)
        {
            case EntryFrame f:
                writer.Varint((ulong)f.Number);
                EntryCodec.Write(_body, f.Entry);
                break;
            case FetchEntryFrame f:
                EntryCodec.Write(_body, f.Entry);
                break;
            case StateFrame f:
                writer.Varint((ulong)f.Items.Count);
                for (int i = 0; i < f.Items.Count; i++)
                {
                    f.Items[i].Write(ref writer);
                }

                break;
            case HeadsFrame f:
                writer.Varint((ulong)f.Sequence);
                Marks(ref writer, f.Marks);
                break;
            case AckFrame f:
                writer.Varint((ulong)f.Credit);
                writer.Varint((ulong)f.Level);
                Marks(ref writer, f.Marks);
                break;
            case FeedFrame f:
                Feeds(ref writer, f.Lanes);
                break;
            case SkipFrame f:
                writer.Varint((ulong)f.Number);
                writer.Entry(f.First);
                writer.Offset(f.FirstOffset);
                break;
            case AskFrame f:
                writer.Varint((ulong)f.Number);
                writer.Entry(f.From);
                writer.Entry(f.UpTo);
                break;
            default:
                WriteRare(ref writer, frame);
                break;
        }
    }

    private static void WriteRare(ref ByteWriter writer, LinkFrame frame)
    {
        switch (frame)
        {
            case HelloFrame f:
                writer.Varint((ulong)f.Version);
                writer.Origin(f.Sender);
                writer.Text(f.Target.Value);
                writer.Byte(f.Probe ? (byte)1 : (byte)0);
                break;
            case WelcomeFrame f:
                writer.Origin(f.Receiver);
                writer.Varint((ulong)f.Credit);
                writer.UInt64(f.Known.Life);
                writer.Varint((ulong)f.Known.Lanes);
                writer.Varint((ulong)f.Known.Heads);
                writer.Varint((ulong)f.Known.Reach);
                writer.Varint((ulong)f.Known.State);
                break;
            case RefusedFrame f:
                writer.Text(Cut(f.Reason));
                break;
            case LaneRefusedFrame f:
                writer.Varint((ulong)f.Number);
                writer.Text(Cut(f.Reason));
                break;
            case ReachFrame f:
                writer.Varint((ulong)f.Names.Count);
                for (int i = 0; i < f.Names.Count; i++)
                {
                    writer.Text(f.Names[i].Value);
                }

                break;
            case LanesFrame f:
                Lanes(ref writer, f);
                break;
            case HoldsFrame f:
                Heads(ref writer, f.Lanes, f.Last);
                break;
            case FetchFrame f:
                writer.Lane(f.Lane);
                writer.Entry(f.From);
                writer.Varint((ulong)f.MaxBytes);
                break;
            case FetchEndFrame f:
                writer.Entry(f.First);
                writer.Offset(f.FirstOffset);
                writer.Byte((byte)f.Why);
                break;
            case LostFrame f:
                writer.Varint((ulong)f.Number);
                writer.Entry(f.First);
                writer.Entry(f.Next);
                writer.Offset(f.NextOffset);
                break;
            case StateEndFrame f:
                writer.Varint((ulong)f.Revision);
                break;
            case PingFrame or PongFrame:
                break;
            default:
                throw new InvalidOperationException($"no form for a frame of type {frame.Type}");
        }
    }

    private static void Feeds(ref ByteWriter writer, IReadOnlyList<LaneFeed> lanes)
    {
        writer.Varint((ulong)lanes.Count);
        for (int i = 0; i < lanes.Count; i++)
        {
            // The lowest bit says whether it is wanted: what is not has nothing more to say.
            LaneFeed lane = lanes[i];
            writer.Varint(((ulong)lane.Number << 1) | (lane.On ? 1u : 0u));
            if (lane.On)
            {
                writer.Entry(lane.Next);
                writer.Offset(lane.NextOffset);
            }
        }
    }

    private static void Lanes(ref ByteWriter writer, LanesFrame frame)
    {
        writer.UInt64(frame.Life);
        writer.Varint((ulong)frame.First);
        writer.Byte(frame.Last ? (byte)1 : (byte)0);
        writer.Varint((ulong)frame.Streams.Count);
        for (int i = 0; i < frame.Streams.Count; i++)
        {
            writer.Text(frame.Streams[i].Value);
        }

        writer.Varint((ulong)frame.Origins.Count);
        for (int i = 0; i < frame.Origins.Count; i++)
        {
            writer.Origin(frame.Origins[i]);
        }

        writer.Varint((ulong)frame.Lanes.Count);
        for (int i = 0; i < frame.Lanes.Count; i++)
        {
            ListedLane lane = frame.Lanes[i];
            writer.Varint((ulong)lane.Stream);
            writer.Partition(lane.Partition);
            writer.Varint((ulong)lane.Origin);
            writer.Entry(lane.Next);
            writer.Offset(lane.NextOffset);
        }
    }

    private static void Heads(ref ByteWriter writer, IReadOnlyList<LaneHead> heads, bool last)
    {
        writer.Byte(last ? (byte)1 : (byte)0);
        writer.Varint((ulong)heads.Count);
        for (int i = 0; i < heads.Count; i++)
        {
            LaneHead head = heads[i];
            writer.Lane(head.Lane);
            writer.Entry(head.First);
            writer.Entry(head.Next);
            writer.Offset(head.NextOffset);
        }
    }

    private static void Marks(ref ByteWriter writer, IReadOnlyList<LaneMark> marks)
    {
        writer.Varint((ulong)marks.Count);
        for (int i = 0; i < marks.Count; i++)
        {
            LaneMark mark = marks[i];
            writer.Varint((ulong)mark.Number);
            writer.Entry(mark.Next);
            writer.Offset(mark.NextOffset);
        }
    }

    /// <summary>Texts are for people: a longer one is cut, at a whole character.</summary>
    private static string Cut(string text)
    {
        while (Encoding.UTF8.GetByteCount(text) > LinkLimits.MaxReasonBytes)
        {
            int length = Math.Min(text.Length - 1, LinkLimits.MaxReasonBytes);
            text = text[..(char.IsHighSurrogate(text[length - 1]) ? length - 1 : length)];
        }

        return text;
    }
}
