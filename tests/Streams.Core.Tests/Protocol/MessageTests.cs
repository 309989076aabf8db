using System.Buffers;
using Streams.Core;

namespace Streams.Core.Tests.Protocol;

public class MessageTests
{
    private static readonly StreamPartition Fleet = new(StreamPath.Parse("/fleet"), new PartitionId(3));
    private static readonly Origin Sj = Origin.Parse("sj.0192f3ab4c5d6e7f");

    private delegate void Writing(ref ByteWriter writer);

    [Fact]
    public void Every_message_survives_its_bytes_and_every_torn_one_is_refused()
    {
        Cursor cursor = Cursor.Start.With(Sj, new Offset(4));
        HelloRequest hello = new(7, ProducerId.ForName("car"), [(Fleet, 5)]);
        Check((ref ByteWriter w) => hello.Write(ref w), HelloRequest.Read, r => Assert.Equal(hello.Waiting, r.Waiting));
        HelloReply reply = new(7, Sj, [(Fleet, [new HeldRun(new SequenceRun(hello.Producer, 9, 5, 8), Sj, new Offset(2))])],
            [(Fleet.Stream, 4)]);
        Check((ref ByteWriter w) => reply.Write(ref w), HelloReply.Read, r => Assert.Equal(new Offset(5), r.Held[0].Runs[0].LastOffset));
        OpenRequest open = new(1, ConsumerName.Parse("c"), Fleet.Stream, ["a/+", "#"], StartPosition.Latest, 1000, [(Fleet.Partition,
            cursor)]);
        Check((ref ByteWriter w) => open.Write(ref w), OpenRequest.Read, r => Assert.Equal((open.Filters[1], cursor), (r.Filters[1],
            r.Local[0].Cursor)));
        OpenReply opened = new(1, Sj, 4, [(Fleet.Partition, cursor)]);
        Check((ref ByteWriter w) => opened.Write(ref w), OpenReply.Read, r => Assert.Equal(4, r.Partitions));
        CommitRequest commit = new(1, Fleet.Partition, cursor);
        Check((ref ByteWriter w) => commit.Write(ref w), CommitRequest.Read, r => Assert.Equal(commit, r));
        ResumeRequest resume = new(1, Fleet.Partition, Sj, new Offset(12));
        Check((ref ByteWriter w) => resume.Write(ref w), p => ResumeRequest.TryRead(p, out ResumeRequest r) ? r : (object?)null, r =>
            Assert.Equal(resume, r));
        CreditGrant credit = new(1, 99);
        Check((ref ByteWriter w) => credit.Write(ref w), p => CreditGrant.TryRead(p, out CreditGrant r) ? r : (object?)null, r =>
            Assert.Equal(credit, r));
    }

    [Fact]
    public void A_hint_of_a_later_version_is_read_as_far_as_it_is_known()
    {
        SpreadHint hint = new(TimeSpan.FromSeconds(12.5), [new(ClusterName.Parse("ny"), 3), new(ClusterName.Parse("ldn"), 1)]);
        Check((ref ByteWriter w) => hint.Write(ref w), SpreadHint.Read, r => Assert.Equal((hint.Window, hint.Elsewhere[0]),
            (r.Window, r.Elsewhere[0])));
        ArrayBufferWriter<byte> output = new();
        ByteWriter writer = new(output);
        hint.Write(ref writer);
        writer.Text("what a later version adds");
        byte[] later = output.WrittenSpan.ToArray();
        Assert.Null(SpreadHint.Read(later));
        later[0] = SpreadHint.Version + 1;
        Assert.Equal(hint.Elsewhere, SpreadHint.Read(later)!.Elsewhere);
        later[0] = 0;
        Assert.Null(SpreadHint.Read(later));
    }

    [Fact]
    public void A_delivery_names_each_events_offset_and_sequence_even_when_some_are_left_out()
    {
        EventBatch batch = new Chance(1).Batch(maxEvents: 3);
        Delivery sent = new()
        {
            Subscription = 4, Kind = DeliveryKind.Events, Partition = Fleet.Partition, Origin = Sj, From = new Offset(10),
                To = new Offset(20),
            After = AfterVector.Of([new EventPlace(Sj, new Offset(3))]), Covered = [batch.Header.Run], BatchOffset = new Offset(10),
            Indexes = [0, 4, 9], Batch = batch.Bytes,
        };
        ArrayBufferWriter<byte> output = new();
        sent.Write(output);
        Delivery read = Delivery.Read(output.WrittenMemory)!;
        Assert.Equal([0, 4, 9], read.Indexes);
        Assert.Equal(9, read.IndexOf(2));
        Assert.Equal(sent.Covered, read.Covered);
        Assert.True(read.Batch.Span.SequenceEqual(batch.Bytes.Span));
        Assert.Null(Delivery.Read(output.WrittenMemory[..20]));
    }

    [Theory]
    [InlineData("5-9@sj.0192f3ab4c5d6e7f:100", true)]
    [InlineData("9-5@sj.0192f3ab4c5d6e7f:100", false)]
    [InlineData("5-9@sj:100", false)]
    [InlineData("-5-9@sj.0192f3ab4c5d6e7f:100", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void Placed_runs_are_read_strictly(string? text, bool good)
    {
        Assert.Equal(good, PlacedRun.TryParse(text, out PlacedRun run));
        if (good)
        {
            Assert.Equal(text, run.ToString());
        }
    }

    private static void Check<T>(Writing write, Func<ReadOnlyMemory<byte>, T?> read, Action<T> same)
    {
        ArrayBufferWriter<byte> output = new();
        ByteWriter writer = new(output);
        write(ref writer);
        T? whole = read(output.WrittenMemory);
        Assert.NotNull(whole);
        same(whole);
        for (int cut = 0; cut < output.WrittenCount; cut++)
        {
            Assert.Null((object?)read(output.WrittenMemory[..cut]));
        }

        byte[] longer = [.. output.WrittenSpan, 0];
        Assert.Null((object?)read(longer));
    }
}
