using System.Buffers;
using System.Text;
using Streams.Core;

namespace Streams.Geo.Tests;

public sealed class FrameTests
{
    private static readonly Origin A = new(ClusterName.Parse("a"), new Incarnation(7));
    private static readonly LaneId Lane = new(MemoryLaneStore.Partition(3), A);
    private static readonly LaneEntry Entry = new()
    {
        Number = new(5), Kind = EntryKind.Events, BaseOffset = new(9), EventCount = 2, AppendedAt = 123,
        Path = ReplicationPath.StartingAt(A), Body = "body"u8.ToArray(),
    };

    private static readonly LinkFrame[] All =
    [
        new HelloFrame(LinkLimits.ProtocolVersion, A, ClusterName.Parse("b"), true),
        new WelcomeFrame(A, 8 << 20, new Remembered(99, 3, 4, 2, 5)),
        new RefusedFrame("no"),
        new ReachFrame([A.Cluster, ClusterName.Parse("b")]),
        new LanesFrame(99, 7, [Lane.Partition.Stream], [A, A], [new ListedLane(0, new(3), 1, new(9), new(70))], true),
        new FeedFrame([new LaneFeed(4, true, new(3), new(4)), new LaneFeed(5, false, default, default)]),
        new HoldsFrame([], true),
        new StateFrame([new StateItem(StateKind.Register, Lane.Partition, "x=1"u8.ToArray()), OwnName.Opened(A),
            new StateItem(StateKind.Retained, Lane.Partition, "the event"u8.ToArray())]),
        new StateEndFrame(7),
        new EntryFrame(4, Entry),
        new SkipFrame(4, new(8), new(80)),
        new HeadsFrame(2, [new LaneMark(4, new(9), new(70))]),
        new AskFrame(4, new(3), new(5)),
        new AckFrame(1 << 20, 3, [new LaneMark(4, new(9), new(70)), new LaneMark(5, default, default)]),
        new LaneRefusedFrame(4, "two histories"),
        new FetchFrame(Lane, new(2), 1000),
        new FetchEntryFrame(Entry),
        new FetchEndFrame(new(4), new(6), FetchGap.Lost),
        new PingFrame(),
        new PongFrame(),
        new LostFrame(3, new(8), new(12), new(90)),
    ];

    [Fact]
    public void Every_frame_comes_back_as_it_was_written()
    {
        Assert.Equal(Enum.GetValues<FrameType>(), All.Select(frame => frame.Type));
        ReadOnlySequence<byte> bytes = new(Bytes(All));
        foreach (var frame in All)
        {
            Assert.True(FrameReader.TryRead(ref bytes, LinkLimits.MaxBodyBytes, out var read));
            Assert.Equal(Bytes([frame]), Bytes([read!]));
        }

        Assert.True(bytes.IsEmpty);
    }

    [Fact]
    public void A_part_of_a_frame_is_waited_for()
    {
        foreach (var frame in All)
        {
            var bytes = Bytes([frame]);
            for (var length = 0; length < bytes.Length; length++)
            {
                ReadOnlySequence<byte> part = new(bytes.AsMemory(0, length));
                Assert.False(FrameReader.TryRead(ref part, LinkLimits.MaxBodyBytes, out _));
                Assert.Equal(length, part.Length);
            }
        }
    }

    [Fact]
    public void Any_flipped_byte_is_noticed()
    {
        foreach (var frame in All)
        {
            var bytes = Bytes([frame]);
            for (var at = 0; at < bytes.Length; at++)
            {
                var damaged = bytes.ToArray();
                damaged[at] ^= 0x55;
                ReadOnlySequence<byte> sequence = new(damaged);
                try
                {
                    // A length that grew is waited for; everything else is refused.
                    Assert.False(FrameReader.TryRead(ref sequence, LinkLimits.MaxBodyBytes, out _), $"{frame.Type} byte {at}");
                    Assert.InRange(at, 0, 3);
                }
                catch (InvalidFormatException)
                {
                }
            }
        }
    }

    [Fact]
    public void Bodies_of_any_bytes_are_read_or_refused_and_nothing_else()
    {
        var chance = new Random(11);
        for (var i = 0; i < 60_000; i++)
        {
            var original = All[chance.Next(All.Length)];
            var body = Bytes([original])[LinkLimits.HeaderBytes..];
            for (var flips = chance.Next(4); flips >= 0 && body.Length > 0; flips--)
            {
                body[chance.Next(body.Length)] = (byte)chance.Next(256);
            }

            Array.Resize(ref body, Math.Max(0, body.Length + chance.Next(-3, 4)));
            try
            {
                Assert.NotNull(FrameReader.Parse(original.Type, body));
            }
            catch (InvalidFormatException)
            {
            }
        }
    }

    [Fact]
    public void A_count_that_cannot_be_true_takes_no_memory()
    {
        ArrayBufferWriter<byte> body = new();
        ByteWriter writer = new(body);
        writer.Varint(1);
        writer.Varint(LinkLimits.LanesPerFrame);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<InvalidFormatException>(() => FrameReader.Parse(FrameType.Heads, body.WrittenMemory));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 16_000);
    }

    [Fact]
    public void A_long_reason_is_cut_at_a_whole_character()
    {
        var read = Assert.IsType<RefusedFrame>(Read(new RefusedFrame(string.Concat(Enumerable.Repeat("ü😀", 400)))));
        Assert.InRange(Encoding.UTF8.GetByteCount(read.Reason), 1, LinkLimits.MaxReasonBytes);
        Assert.StartsWith("ü😀", read.Reason);
    }

    private static LinkFrame Read(LinkFrame frame)
    {
        ReadOnlySequence<byte> bytes = new(Bytes([frame]));
        Assert.True(FrameReader.TryRead(ref bytes, LinkLimits.MaxBodyBytes, out var read));
        return read!;
    }

    private static byte[] Bytes(IEnumerable<LinkFrame> frames)
    {
        ArrayBufferWriter<byte> bytes = new();
        var writer = new FrameWriter();
        foreach (var frame in frames)
        {
            writer.Write(bytes, frame);
        }

        return bytes.WrittenSpan.ToArray();
    }
}
