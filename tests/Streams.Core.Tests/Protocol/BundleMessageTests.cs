using System.Buffers;
using System.Text;

namespace Streams.Core.Tests.Protocol;

/// <summary>The messages of many producers on one connection.</summary>
public sealed class BundleMessageTests
{
    private static readonly Origin Sj = Origin.Parse("sj.0192f3ab4c5d6e7f");
    private static readonly Origin Ny = Origin.Parse("ny.0000000000000002");

    private delegate void Writing(ref ByteWriter writer);

    [Fact]
    public void Hellos_and_their_answers_survive_their_bytes_and_torn_ones_are_refused()
    {
        Chance chance = new(7);
        for (int round = 0; round < 30; round++)
        {
            HellosRequest sent = new((uint)round, [.. Producers(chance, 4)],
                [.. Producers(chance, 5).Select(p => new ProducerHello(p,
                    [.. Partitions(chance).Select(x => (x, 1L + chance.Below(99)))]))]);
            CheckEveryCut((ref ByteWriter w) => sent.Write(ref w), p => HellosRequest.Read(p) is { } read
                && read.Correlation == sent.Correlation && read.Leaving.SequenceEqual(sent.Leaving)
                && read.Producers.Select(static h => h.Producer).SequenceEqual(sent.Producers.Select(static h => h.Producer))
                && read.Producers.SelectMany(static h => h.Waiting).SequenceEqual(sent.Producers.SelectMany(static h => h.Waiting)));
            HellosReply reply = new((uint)round, Sj, round % 2 == 0, [.. sent.Producers.Select(h => new ProducerHeld(h.Producer,
                [.. h.Waiting.Select(x => (x.Partition, (IReadOnlyList<HeldRun>)[new HeldRun(
                    new SequenceRun(h.Producer, 9, x.From, x.From + 2), chance.Origin(), new Offset(3))]))]))],
                [(StreamPath.Parse("/fleet"), 4)]);
            CheckEveryCut((ref ByteWriter w) => reply.Write(ref w), p => HellosReply.Read(p) is { } read
                && (read.Correlation, read.Origin, read.IsLast) == (reply.Correlation, reply.Origin, reply.IsLast)
                && read.Producers.SelectMany(static h => h.Held).SelectMany(static h => h.Runs)
                    .SequenceEqual(reply.Producers.SelectMany(static h => h.Held).SelectMany(static h => h.Runs))
                && read.Streams.SequenceEqual(reply.Streams));
        }
    }

    [Fact]
    public void A_bundle_gives_back_the_requests_that_it_was_made_of()
    {
        Chance chance = new(8);
        for (int round = 0; round < 30; round++)
        {
            byte[][] requests = [.. Enumerable.Range(0, 1 + chance.Below(5)).Select(_ => chance.Bytes(60))];
            CheckEveryCut((ref ByteWriter w) => Write(ref w, requests), p => Bundle.Read(p) is { } read
                && read.Select(static r => Convert.ToHexString(r.Span)).SequenceEqual(requests.Select(static r => Convert.ToHexString(r))));
        }

        Assert.Null(Bundle.Read(Bytes((ref ByteWriter w) => Write(ref w, []))));
        IEnumerable<byte[]> tooMany = Enumerable.Repeat<byte[]>([1], Bundle.MaxBatches + 1);
        Assert.Null(Bundle.Read(Bytes((ref ByteWriter w) => Write(ref w, tooMany))));
    }

    [Fact]
    public void Messages_of_later_versions_are_read_as_far_as_they_are_known()
    {
        byte[] bundle = Bytes((ref ByteWriter w) =>
        {
            Write(ref w, [[1, 2, 3]]);
            w.Text("what a later version adds");
        });
        Assert.Null(Bundle.Read(bundle));
        bundle[0] = Bundle.Version + 1;
        Assert.Equal([1, 2, 3], Bundle.Read(bundle)![0].ToArray());
        bundle[0] = 0;
        Assert.Null(Bundle.Read(bundle));
    }

    [Fact]
    public void Answers_survive_their_text_however_batches_were_placed_or_refused()
    {
        Chance chance = new(9);
        for (int round = 0; round < 200; round++)
        {
            (long First, long Last)[] batches =
                [.. Enumerable.Range(0, 1 + chance.Below(40)).Select(i => (i + 1L, i + 1L + chance.Below(9)))];
            BatchAnswer[] answers = [.. batches.Select(b => Answer(chance, b))];
            IReadOnlyList<string> values = BundleAnswers.Write(answers, batches);
            IReadOnlyList<BatchAnswer>? read = BundleAnswers.Read(values, batches);
            Assert.NotNull(read);
            Assert.Equal(answers.Select(Text), read.Select(Text));
            Assert.Null(BundleAnswers.Read([.. values, values[chance.Below(values.Count)]], batches));       // none twice
            Assert.Null(BundleAnswers.Read(values, [.. batches, (1, 1)]));                                    // none left out
        }
    }

    [Fact]
    public void Full_bundles_are_answered_in_values_that_a_property_holds()
    {
        (long, long)[] batches = [.. Enumerable.Range(0, Bundle.MaxBatches).Select(static i => ((long)i, (long)i))];
        BatchAnswer[] answers = [.. batches.Select(static b => new BatchAnswer(0, string.Empty,
            [new PlacedRun(b.Item1, b.Item2, Sj, new Offset(long.MaxValue - 9))]))];
        IReadOnlyList<string> values = BundleAnswers.Write(answers, batches);
        Assert.All(values, static v => Assert.True(Encoding.UTF8.GetByteCount(v) < ushort.MaxValue));
        Assert.Equal(Bundle.MaxBatches, BundleAnswers.Read(values, batches)!.Count);
    }

    [Theory]
    [InlineData("=sj.0192f3ab4c5d6e7f")]
    [InlineData("=sj 0:5")]
    [InlineData("=sj.0192f3ab4c5d6e7f 0:")]
    [InlineData("=sj.0192f3ab4c5d6e7f 1:5")]
    [InlineData("=sj.0192f3ab4c5d6e7f 99999999999:5")]
    [InlineData("0")]
    [InlineData("0 1-2@sj")]
    [InlineData("!0 131")]
    [InlineData("!0 12 text")]
    [InlineData("!0 999 text")]
    [InlineData("!")]
    [InlineData("")]
    public void Malformed_answers_are_no_answers(string value) => Assert.Null(BundleAnswers.Read([value], [(1, 2)]));

    [Fact]
    public void Random_bytes_and_texts_are_refused_or_read_and_never_throw()
    {
        Chance chance = new(10);
        for (int i = 0; i < 5000; i++)
        {
            byte[] bytes = chance.Bytes(80);
            if (bytes.Length > 0)
            {
                bytes[0] = (byte)chance.Below(3);
            }

            HellosRequest.Read(bytes);
            HellosReply.Read(bytes);
            Bundle.Read(bytes);
            const string Alphabet = "=!0123 :-@sj.ab";
            string text = string.Concat(Enumerable.Range(0, chance.Below(30)).Select(_ => Alphabet[chance.Below(Alphabet.Length)]));
            BundleAnswers.Read([text], [(1, 2), (3, 3)]);
        }
    }

    private static IEnumerable<ProducerId> Producers(Chance chance, int most) =>
        Enumerable.Range(0, chance.Below(most)).Select(_ => ProducerId.Create(chance.Random));

    private static IEnumerable<StreamPartition> Partitions(Chance chance) =>
        Enumerable.Range(0, chance.Below(3)).Select(i => new StreamPartition(StreamPath.Parse("/fleet"), new PartitionId(i)));

    private static BatchAnswer Answer(Chance chance, (long First, long Last) batch) => chance.Below(5) switch
    {
        0 => new BatchAnswer(0x83, "OutOfOrder: it follows 1:2", []),
        1 when batch.Last > batch.First => new BatchAnswer(0, string.Empty, [new PlacedRun(batch.First, batch.First, Sj, new Offset(3)),
            new PlacedRun(batch.First + 1, batch.Last, Sj, new Offset(77))]),
        var n => new BatchAnswer(0, string.Empty,
            [new PlacedRun(batch.First, batch.Last, n == 2 ? Ny : Sj, new Offset(chance.Below(9999)))]),
    };

    private static string Text(BatchAnswer answer) => $"{answer.Reason} {answer.Text} {string.Join(' ', answer.Placed)}";

    private static void Write(ref ByteWriter writer, IEnumerable<byte[]> requests)
    {
        byte[][] all = [.. requests];
        Bundle.WriteHead(ref writer, all.Length);
        foreach (byte[] request in all)
        {
            Bundle.WriteBatch(ref writer, request);
        }
    }

    private static byte[] Bytes(Writing write)
    {
        ArrayBufferWriter<byte> output = new();
        ByteWriter writer = new(output);
        write(ref writer);
        return output.WrittenSpan.ToArray();
    }

    private static void CheckEveryCut(Writing write, Func<ReadOnlyMemory<byte>, bool> isRead)
    {
        byte[] whole = Bytes(write);
        Assert.True(isRead(whole));
        for (int cut = 0; cut < whole.Length; cut++)
        {
            Assert.False(isRead(whole.AsMemory(0, cut)));
        }

        Assert.False(isRead((byte[])[.. whole, 0]));
    }
}
