using System.Buffers;
using Streams.Core;
using Streams.Geo;

namespace Streams.Simulation;

/// <summary>What went over all links of a world: frames and their bytes by kind, copies of events, and what was offered against the
/// rule.</summary>
internal sealed class WireCount(bool throughCodec)
{
    // Of the many frames of a kind, one in so many is written out to see how long it is.
    private const int Sampled = 16;
    private const int AllUpTo = 1000;

    private readonly FrameWriter _writer = new();
    private readonly ArrayBufferWriter<byte> _bytes = new();
    private readonly long[] _frames = new long[64];
    private readonly double[] _sizes = new double[64];
    private readonly long[] _marks = new long[64];

    /// <summary>Events in entries that were sent.</summary>
    public long EventsSent { get; private set; }

    /// <summary>Entries sent.</summary>
    public long EntriesSent { get; private set; }

    /// <summary>Entries that came though they were there already.</summary>
    public long Duplicates { get; set; }

    /// <summary>Entries sent to a cluster on their path that had not asked for them (invariant 5).</summary>
    public long OfferedOnPath { get; set; }

    /// <summary>Entries sent to a cluster on their path because it had asked (rule R13).</summary>
    public long AskedOnPath { get; set; }

    public long AllFrames => _frames.Sum();

    public long Frames(FrameType type) => _frames[(int)type];

    public long Bytes(FrameType type) => (long)_sizes[(int)type];

    public long Marks(FrameType type) => _marks[(int)type];

    public static bool IsOfStart(FrameType type) => type is FrameType.Hello or FrameType.Welcome or FrameType.Reach or FrameType.Lanes
        or FrameType.Wants or FrameType.Holds or FrameType.State or FrameType.StateEnd;

    public long StartBytes
    {
        get
        {
            long bytes = 0;
            foreach (FrameType type in Enum.GetValues<FrameType>())
            {
                bytes += IsOfStart(type) ? Bytes(type) : 0;
            }

            return bytes;
        }
    }

    /// <summary>Counts a frame and gives what comes out at the other end: the same, or what the codec makes of it.</summary>
    public LinkFrame Sent(LinkFrame frame)
    {
        int kind = (int)frame.Type;
        long count = ++_frames[kind];
        if (frame is EntryFrame entry)
        {
            EntriesSent++;
            EventsSent += entry.Entry.EventCount;
        }
        else if (frame is HeadsFrame heads)
        {
            _marks[kind] += heads.Marks.Count;
        }
        else if (frame is AckFrame ack)
        {
            _marks[kind] += ack.Marks.Count;
        }

        if (throughCodec)
        {
            _sizes[kind] += Write(frame);
            ReadOnlySequence<byte> sequence = new(_bytes.WrittenMemory.ToArray());
            return FrameReader.TryRead(ref sequence, LinkLimits.MaxBodyBytes, out LinkFrame? read) ? read!
                : throw new InvalidOperationException($"frame {frame.Type} does not survive the wire");
        }

        if (count <= AllUpTo || count % Sampled == 0)
        {
            _sizes[kind] += Write(frame) * (count <= AllUpTo ? 1 : Sampled);
        }

        return frame;
    }

    private int Write(LinkFrame frame)
    {
        _bytes.ResetWrittenCount();
        return _writer.Write(_bytes, frame);
    }
}
