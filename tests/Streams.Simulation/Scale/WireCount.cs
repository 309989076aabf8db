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
    private readonly long[] _sizes = new long[64];
    private readonly long[] _measured = new long[64];
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

    /// <summary>Bytes of all frames of a kind, as far as some were measured for all.</summary>
    public long Bytes(FrameType type)
    {
        int kind = (int)type;
        return throughCodec ? _sizes[kind] : (long)((double)_sizes[kind] * _frames[kind] / Math.Max(1, _measured[kind]));
    }

    public long Marks(FrameType type) => _marks[(int)type];

    /// <summary>How often a link began.</summary>
    public int Starts { get; set; }

    /// <summary>Bytes sent until both sides had told what they hold.</summary>
    public long StartBytes { get; private set; }

    /// <summary>Counts a frame and gives what comes out at the other end: the same, or what the codec makes of it.</summary>
    public LinkFrame Sent(LinkFrame frame, bool starting)
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
        else if (frame is FeedFrame feed)
        {
            _marks[kind] += feed.Lanes.Count;
        }

        if (throughCodec)
        {
            int size = Write(frame);
            _sizes[kind] += size;
            StartBytes += starting ? size : 0;
            ReadOnlySequence<byte> sequence = new(_bytes.WrittenMemory.ToArray());
            return FrameReader.TryRead(ref sequence, LinkLimits.MaxBodyBytes, out LinkFrame? read) ? read!
                : throw new InvalidOperationException($"frame {frame.Type} does not survive the wire");
        }

        if (starting || count <= AllUpTo || count % Sampled == 0)
        {
            int size = Write(frame);
            _sizes[kind] += size;
            _measured[kind]++;
            StartBytes += starting ? size : 0;
        }

        return frame;
    }

    private int Write(LinkFrame frame)
    {
        _bytes.ResetWrittenCount();
        return _writer.Write(_bytes, frame);
    }
}
