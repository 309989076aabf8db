using System.Buffers.Binary;
using System.Text;
using Streams.Core;

namespace Streams.Core.Tests.Events;

public class EventBatchTests
{
    [Theory]
    [InlineData(BatchCompression.None)]
    [InlineData(BatchCompression.Deflate)]
    [InlineData(BatchCompression.Brotli)]
    public void What_was_put_in_comes_out_in_order(BatchCompression compression)
    {
        EventBatchBuilder builder = new();
        for (int i = 0; i < 300; i++)
        {
            byte[] headers = i % 7 == 0 ? EventHeader.Encode([new EventHeader("n", Encoding.UTF8.GetBytes($"{i}"))]) : [];
            Assert.True(builder.TryAdd(Encoding.UTF8.GetBytes($"car-{i / 10}/t"), i % 3 == 0 ? Encoding.UTF8.GetBytes($"k{i}") : [],
                headers,
                Encoding.UTF8.GetBytes($"payload {i} payload {i}"), 1_000_000 + (i % 2 == 0 ? i : -i)));
        }

        EventIdentity first = new(ProducerId.ForName("car"), 77, 5);
        EventBatch made = builder.Build(first, (77, 4), mayHaveTwins: true, compression);
        EventBatch read = EventBatch.Parse(made.Bytes.ToArray());

        Assert.Equal(300, read.Header.Count);
        Assert.Equal(304, read.Header.LastSequence);
        Assert.Equal((77UL, 4L, true), (read.Header.PredecessorEpoch, read.Header.PredecessorSequence, read.Header.MayHaveTwins));
        Assert.Equal(compression, read.Header.Compression);
        int n = 0;
        foreach (EventView view in read.Events)
        {
            Assert.Equal(n, view.Index);
            Assert.Equal($"car-{n / 10}/t", Encoding.UTF8.GetString(view.Topic.Span));
            Assert.Equal(n % 3 == 0 ? $"k{n}" : "", Encoding.UTF8.GetString(view.Key.Span));
            Assert.Equal($"payload {n} payload {n}", Encoding.UTF8.GetString(view.Payload.Span));
            Assert.Equal(1_000_000 + (n % 2 == 0 ? n : -n), view.TimestampMicroseconds);
            Assert.True(EventHeader.TryDecode(view.Headers, out IReadOnlyList<EventHeader> headers));
            Assert.Equal(n % 7 == 0 ? 1 : 0, headers.Count);
            n++;
        }

        Assert.Equal(300, n);
    }

    [Fact]
    public void Compression_is_left_out_where_it_gains_nothing()
    {
        byte[] noise = new byte[1000];
        new Random(1).NextBytes(noise);
        EventBatchBuilder builder = new();
        builder.TryAdd("t"u8, [], [], noise, 0);
        Assert.Equal(BatchCompression.None, builder.Build(new EventIdentity(default, 1, 1), default, false,
            BatchCompression.Brotli).Header.Compression);
    }

    [Fact]
    public void The_bytes_of_a_batch_are_those_of_the_drawing()
    {
        EventBatchBuilder builder = new();
        builder.TryAdd("t"u8, "k"u8, [], "pp"u8, 1_000);
        builder.TryAdd("t"u8, [], [], "q"u8, 999);
        byte[] bytes = builder.Build(new EventIdentity(new ProducerId(1), 2, 3), (4, 2), true).Bytes.ToArray();

        Assert.Equal(93, bytes.Length);
        Assert.Equal("01" + "01" + "5000" + "5D000000", Convert.ToHexString(bytes, 0, 8));
        Assert.Equal("02000000" + "00000000000000000000000000000001" + "0200000000000000" + "0300000000000000" + "0400000000000000"
            + "0200000000000000"
            + "E803000000000000" + "0D000000" + "00000000", Convert.ToHexString(bytes, 12, 68));
        Assert.Equal("08" + "01" + "00" + "0174" + "016B" + "7070" + "03" + "02" + "01" + "71", Convert.ToHexString(bytes, 80, 13));
    }

    [Theory]
    [InlineData(BatchCompression.None)]
    [InlineData(BatchCompression.Brotli)]
    public void Which_events_are_to_be_retained_comes_out_as_it_was_put_in(BatchCompression compression)
    {
        EventBatchBuilder builder = new();
        for (int i = 0; i < 100; i++)
        {
            Assert.True(builder.TryAdd(Encoding.UTF8.GetBytes($"t{i / 4}"), i % 2 == 0 ? "k"u8 : [], [],
                i % 5 == 0 ? [] : Encoding.UTF8.GetBytes($"payload {i}"), i, isRetained: i % 3 == 0));
        }

        int n = 0;
        EventBatch made = builder.Build(new EventIdentity(default, 1, 1), default, false, compression);
        foreach (EventView view in EventBatch.Parse(made.Bytes).Events)
        {
            Assert.Equal(n % 3 == 0, view.IsRetained);
            Assert.Equal(n % 5 == 0, view.Payload.IsEmpty);
            Assert.Equal($"t{n / 4}", Encoding.UTF8.GetString(view.Topic.Span));
            n++;
        }

        Assert.Equal(100, n);
    }

    [Fact]
    public void The_flag_of_a_retained_event_is_bit_three_and_the_next_bit_is_refused()
    {
        EventBatchBuilder builder = new();
        builder.TryAdd("t"u8, "k"u8, [], "pp"u8, 1_000, isRetained: true);
        byte[] bytes = builder.Build(new EventIdentity(new ProducerId(1), 2, 3), default, false).Bytes.ToArray();
        Assert.Equal("08" + "09" + "00" + "0174" + "016B" + "7070", Convert.ToHexString(bytes, 80, 9));
        bytes[81] |= 0x10;
        Seal(bytes);
        Assert.False(EventBatch.TryParse(bytes, out _, out _));
    }

    [Fact]
    public void A_changed_byte_anywhere_is_refused()
    {
        byte[] bytes = new Chance(3).Batch().Bytes.ToArray();
        for (int i = 0; i < bytes.Length; i++)
        {
            bytes[i] ^= 0x10;
            Assert.False(EventBatch.TryParse(bytes, out _, out string? fault), $"byte {i}");
            Assert.NotNull(fault);
            bytes[i] ^= 0x10;
        }

        Assert.True(EventBatch.TryParse(bytes, out _, out _));
    }

    [Fact]
    public void A_batch_cut_anywhere_is_refused()
    {
        byte[] bytes = new Chance(4).Batch().Bytes.ToArray();
        for (int length = 0; length < bytes.Length; length++)
        {
            Assert.False(EventBatch.TryParse(bytes.AsMemory(0, length), out _, out _));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(70_000)]
    [InlineData(-1)]
    public void A_count_that_is_not_true_is_refused_even_with_a_right_checksum(int count)
    {
        byte[] bytes = new Chance(5).Batch().Bytes.ToArray();
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(12), count);
        Seal(bytes);
        Assert.False(EventBatch.TryParse(bytes, out _, out string? fault));
        Assert.Contains("events", fault, StringComparison.Ordinal);
    }

    [Fact]
    public void A_body_that_unpacks_to_more_than_it_declares_is_refused()
    {
        EventBatchBuilder builder = new();
        foreach (BatchCompression compression in new[] { BatchCompression.Deflate, BatchCompression.Brotli })
        {
            builder.TryAdd("t"u8, [], [], new byte[100_000], 0);
            byte[] bytes = builder.Build(new EventIdentity(default, 1, 1), default, false, compression).Bytes.ToArray();
            Assert.True(bytes.Length < 10_000);
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(72), 50_000);
            Seal(bytes);
            Assert.False(EventBatch.TryParse(bytes, out _, out string? fault));
            Assert.Contains("unpack", fault, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(BatchCompression.Deflate)]
    [InlineData(BatchCompression.Brotli)]
    public void Few_bytes_that_say_to_unpack_to_many_are_refused_by_the_head_alone(BatchCompression compression)
    {
        EventBatchBuilder builder = new();
        builder.TryAdd("t"u8, [], [], new byte[200_000], 0);
        byte[] bytes = builder.Build(new EventIdentity(default, 1, 1), default, false, compression).Bytes.ToArray();
        Assert.True(bytes.Length < 5_000, $"{bytes.Length}");
        Assert.Equal(BitConverter.ToInt32(bytes, 72), BatchHeader.PeekUnpackedBytes(bytes));
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(72), EventLimits.MaxBatchBytes);
        Seal(bytes);

        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.False(EventBatch.TryParse(bytes, out _, out string? fault));
        long took = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Contains("unpack to 4194304", fault, StringComparison.Ordinal);
        Assert.True(took < 10_000, $"{took} bytes were taken");
    }

    [Theory]
    [InlineData(BatchCompression.Deflate)]
    [InlineData(BatchCompression.Brotli)]
    public void What_would_be_packed_too_tightly_is_sent_as_it_is(BatchCompression compression)
    {
        EventBatchBuilder builder = new();
        builder.TryAdd("t"u8, [], [], new byte[1_000_000], 0);
        EventBatch batch = builder.Build(new EventIdentity(default, 1, 1), default, false, compression);

        Assert.True(batch.Header.Compression == BatchCompression.None
            || batch.Header.BodyLength <= (batch.Bytes.Length - BatchHeader.Size) * EventLimits.MaxExpansion);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Mutated_bytes_never_do_more_than_be_refused(int seed)
    {
        Chance chance = new(seed);
        int accepted = 0;
        for (int i = 0; i < 3000; i++)
        {
            byte[] bytes = chance.Batch((BatchCompression)chance.Below(3), maxEvents: 6, maxPayload: 40).Bytes.ToArray();
            for (int k = 1 + chance.Below(4); k > 0; k--)
            {
                bytes[chance.Below(bytes.Length)] = (byte)chance.Below(256);
            }

            if (chance.Below(4) > 0)
            {
                Seal(bytes);                                  // so that the mutation gets behind the checksum
            }

            if (EventBatch.TryParse(bytes, out EventBatch? batch, out _))
            {
                accepted++;
                int n = 0;
                foreach (EventView view in batch!.Events)
                {
                    Assert.True(TopicName.IsValid(view.Topic.Span));
                    n++;
                }

                Assert.Equal(batch.Header.Count, n);
            }
        }

        Assert.True(accepted > 0, "the mutations never passed: the loop tests nothing");
    }

    [Fact]
    public void Header_bytes_are_judged_alike_with_and_without_decoding_them()
    {
        Chance chance = new(9);
        int good = 0;
        for (int i = 0; i < 5000; i++)
        {
            byte[] bytes = EventHeader.Encode([new EventHeader("trace/ü", chance.Bytes(10)), new EventHeader("b", chance.Bytes(3))]);
            for (int k = chance.Below(3); k > 0; k--)
            {
                bytes[chance.Below(bytes.Length)] = (byte)chance.Below(256);
            }

            bool valid = EventHeader.IsValid(bytes);
            Assert.Equal(EventHeader.TryDecode(bytes, out _), valid);
            good += valid ? 1 : 0;
        }

        Assert.InRange(good, 1, 4999);
    }

    [Fact]
    public void An_event_over_a_limit_is_refused_with_its_size()
    {
        EventBatchBuilder builder = new();
        InvalidRequestException fault = Assert.Throws<InvalidRequestException>(() =>
            builder.TryAdd("t"u8, [], [], new byte[EventLimits.MaxPayloadBytes + 1], 0));
        Assert.Contains("1048577", fault.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidRequestException>(() => builder.TryAdd("a/#"u8, [], [], [], 0));
        Assert.Throws<InvalidRequestException>(() => builder.TryAdd([0xC0, 0x80], [], [], [], 0));
        Assert.Throws<InvalidRequestException>(() => builder.TryAdd("t"u8, new byte[5000], [], [], 0));
        Assert.Equal(0, builder.Count);
    }

    [Fact]
    public void A_full_batch_says_no_and_stays_as_it_was()
    {
        EventBatchBuilder builder = new();
        int n = 0;
        while (builder.TryAdd("t"u8, [], [], new byte[1000], n, 10_000))
        {
            n++;
        }

        Assert.Equal(n, builder.Count);
        Assert.InRange(builder.Build(new EventIdentity(default, 1, 1), default, false).Bytes.Length, 9_000, 10_000);
    }

    private static void Seal(Span<byte> bytes) =>
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[8..], Crc32C.Compute(bytes[12..], Crc32C.Compute(bytes[..8])));
}
