using System.Buffers;
using Streams.Core;
using Xunit.Abstractions;

namespace Streams.Geo.Tests;

/// <summary>What very many lanes cost a link: bytes when it starts, memory while it idles.</summary>
public sealed class ManyLanesTests(ITestOutputHelper output)
{
    private const int Lanes = 100_000;

    [Fact]
    public void A_link_that_comes_back_sends_next_to_nothing()
    {
        var (from, to) = (new BigStore("a", 50, 200, 10), new BigStore("b", 50, 200, 10));
        IncomingMemory shared = new();
        SenderMemory memory = new(77);
        var whole = Start(from, to, memory, shared);
        var nothing = Start(from, to, memory, shared);
        for (var i = 0; i < 100; i++)
        {
            from.Grow(i * 997);
        }

        var few = Start(from, to, memory, shared);
        output.WriteLine($"each lane by its names, as Holds has it, and a want for each: {ByNames(from)} bytes");
        output.WriteLine($"link start, {Lanes} lanes: whole list {whole}, nothing changed {nothing}, 100 lanes changed {few} bytes");
        Assert.InRange(whole, Lanes * 5, Lanes * 12);
        Assert.InRange(nothing, 1, 400);
        Assert.InRange(few, 1000, 4000);
    }

    [Fact]
    public void What_a_restarted_sender_says_is_counted_from_its_new_list_on()
    {
        var (from, to) = (new BigStore("a", 1, 5, 1), new BigStore("b", 1, 5, 1));
        IncomingMemory shared = new();
        Start(from, to, new SenderMemory(1), shared);
        SenderMemory second = new(2);
        Start(from, to, second, shared); // knows nothing of the first: another process
        Start(from, to, second, shared);
        var known = shared.Take(to.Origin, from.Origin).Known;
        Assert.Equal((second.Life, 5, 1), (known.Life, known.Lanes, known.Reach));
    }

    [Fact]
    public void An_idle_lane_costs_both_sides_of_a_link_few_bytes()
    {
        var (from, to) = (new BigStore("a", 50, 200, 10), new BigStore("b", 50, 200, 10));
        var before = Used();
        IncomingMemory shared = new();
        SenderMemory memory = new(77);
        Start(from, to, memory, shared);
        var both = Used() - before;
        output.WriteLine($"lists of a link, {Lanes} lanes: {both / Lanes} bytes for each lane on both sides together");
        Assert.InRange(both / Lanes, 50, 450);
        GC.KeepAlive(memory);
        GC.KeepAlive(shared);
        GC.KeepAlive(from);
        GC.KeepAlive(to);
    }

    [Fact]
    public void An_idle_link_without_lanes_costs_few_bytes()
    {
        const int Links = 1000;
        var (from, to) = (new BigStore("a", 0, 1, 1), new BigStore("b", 0, 1, 1));
        IncomingMemory shared = new();
        List<object> kept = new(4 * Links);
        var before = Used();
        for (var i = 0; i < Links; i++)
        {
            SenderMemory memory = new((ulong)i + 1);
            kept.Add(memory);
            Start(from, to, memory, shared, kept);
        }

        var each = (Used() - before) / Links;
        output.WriteLine($"an idle link without lanes: {each} bytes, both machines together");
        Assert.InRange(each, 500, 32 << 10);
        GC.KeepAlive(kept);
    }

    /// <summary>What the lists would take without numbers for names, with an answer for every lane.</summary>
    private static long ByNames(BigStore store)
    {
        FrameWriter writer = new();
        long bytes = 0;
        foreach (var part in store.Lanes().Chunk(LinkLimits.LanesPerFrame))
        {
            bytes += writer.Write(new ArrayBufferWriter<byte>(), new HoldsFrame([.. part.Select(s => LaneHead.Of(s))], false));
            bytes += writer.Write(new ArrayBufferWriter<byte>(),
                new AckFrame(0, 0, [.. part.Select(s => new LaneMark(0, s.NextEntry, s.NextOffset))])) - part.Length;
        }

        return bytes;
    }

    private static long Used()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return GC.GetTotalMemory(forceFullCollection: true);
    }

    /// <summary>A link's start, frame by frame until nothing is left to say; gives the bytes of both ways. With <paramref name="kept"/> it
    /// stays up.</summary>
    private static long Start(BigStore from, BigStore to, SenderMemory memory, IncomingMemory shared, List<object>? kept = null)
    {
        LinkSender sender = new(new LinkSenderSettings(to.Origin.Cluster), from, new ReachSet([from.Origin.Cluster]), memory: memory);
        LinkReceiver receiver = new(new LinkReceiverSettings(), to, shared);
        FrameWriter writer = new();
        long bytes = 0;
        while (Give(sender, receiver) | Give(receiver, sender))
        {
        }

        Assert.True(receiver.IsRunning && sender.IsRunning);
        if (kept is null)
        {
            receiver.End();
            sender.End();
        }
        else
        {
            kept.AddRange(sender, receiver, writer);
        }

        return bytes;

        bool Give(ILinkMachine one, ILinkMachine other)
        {
            var any = false;
            while (one.TryNext(out var action))
            {
                any = true;
                if (action is SendFrame send)
                {
                    ArrayBufferWriter<byte> buffer = new();
                    bytes += writer.Write(buffer, send.Frame);
                    ReadOnlySequence<byte> sequence = new(buffer.WrittenMemory);
                    Assert.True(FrameReader.TryRead(ref sequence, LinkLimits.MaxBodyBytes, out var frame));
                    other.Receive(frame!);
                }
                else if (action is ReadState state)
                {
                    one.OnState(state, [], true, 1);
                }
                else if (action is ReadLane read)
                {
                    one.OnRead(read, [], []);
                }
            }

            return any;
        }
    }
}
