using System.Buffers;
using Streams.Core;

namespace Streams.Core.Tests.Lanes;

public class EntryTests
{
    [Fact]
    public void Entries_survive_their_bytes()
    {
        for (int seed = 0; seed < 500; seed++)
        {
            Chance chance = new(seed);
            EventBatch batch = chance.Batch();
            LaneEntry entry = Entry(chance, batch);
            ArrayBufferWriter<byte> output = new();
            EntryCodec.Write(output, entry);
            Assert.True(EntryCodec.TryRead(output.WrittenMemory, out LaneEntry? read, out string? fault), fault);
            Assert.Equal((entry.Number, entry.Kind, entry.BaseOffset, entry.EventCount, entry.AppendedAt),
                (read!.Number, read.Kind, read.BaseOffset, read.EventCount, read.AppendedAt));
            Assert.Equal(entry.After.ToString(), read.After.ToString());
            Assert.Equal(entry.Path.ToString(), read.Path.ToString());
            Assert.True(read.Body.Span.SequenceEqual(batch.Bytes.Span), "a batch's bytes never change");
        }
    }

    [Fact]
    public void Mutated_entries_never_do_more_than_be_refused()
    {
        int accepted = 0;
        for (int seed = 0; seed < 4000; seed++)
        {
            Chance chance = new(seed);
            ArrayBufferWriter<byte> output = new();
            EntryCodec.Write(output, Entry(chance, chance.Batch(maxEvents: 3)));
            byte[] bytes = output.WrittenSpan.ToArray();
            for (int k = 1 + chance.Below(3); k > 0; k--)
            {
                bytes[chance.Below(Math.Min(bytes.Length, 80))] = (byte)chance.Below(256);
            }

            accepted += EntryCodec.TryRead(bytes, out _, out _) ? 1 : 0;
        }

        Assert.InRange(accepted, 1, 3999);
    }

    [Fact]
    public void Passing_a_cluster_extends_the_path_and_nothing_else()
    {
        Chance chance = new(1);
        LaneEntry entry = Entry(chance, chance.Batch());
        Origin ny = Origin.Parse("ny.00000000000000ff");
        LaneEntry passed = entry.PassedTo(ny);
        Assert.True(passed.Path.Contains(ny));
        Assert.False(entry.Path.Contains(ny));
        Assert.True(entry.Body.Equals(passed.Body));
        Assert.Equal(passed.Path.ToString(), passed.PassedTo(ny).Path.ToString());
    }

    [Fact]
    public void R12_a_path_names_incarnations_so_a_wiped_cluster_is_not_on_it()
    {
        ReplicationPath path = ReplicationPath.StartingAt(Origin.Parse("a.0000000000000001"));
        Assert.True(path.Contains(Origin.Parse("a.0000000000000001")));
        Assert.False(path.Contains(Origin.Parse("a.0000000000000002")));
    }

    [Fact]
    public void R5_the_own_lane_is_left_out_of_after_and_a_lane_stands_once()
    {
        Origin a = Origin.Parse("a.0000000000000001"), b = Origin.Parse("b.0000000000000001");
        AfterVector after = AfterVector.Of([new EventPlace(b, new Offset(4)), new EventPlace(a, new Offset(9))]);
        Assert.Equal("[b.0000000000000001:4]", after.Without(a).ToString());
        Assert.Same(after, after.Without(Origin.Parse("c.0000000000000001")));
        Assert.Throws<InvalidRequestException>(() => AfterVector.Of([new EventPlace(a, default), new EventPlace(a, new Offset(1))]));
    }

    [Fact]
    public void Facts_survive_their_bytes_and_torn_ones_are_refused()
    {
        HybridTimestamp at = new(77 << 16, ClusterName.Parse("sj"));
        byte[] topics = TopicFacts.Write([new TopicFact(TopicName.Parse("a/b"), at), new TopicFact(TopicName.Parse(""), at)]);
        Assert.True(TopicFacts.TryRead(topics, out List<TopicFact> facts));
        Assert.Equal(["a/b", ""], facts.Select(f => f.Topic.Value));
        byte[] registers = RegisterFacts.Write([new RegisterFact("settings", at, StreamSettings.Default.Write())]);
        Assert.True(RegisterFacts.TryRead(registers, out List<RegisterFact> read));
        Assert.True(StreamSettings.TryRead(read[0].Value, out StreamSettings? settings));
        Assert.Equal(StreamSettings.Default, settings);
        Assert.False(TopicFacts.TryRead(topics.AsMemory(0, topics.Length - 1), out _));
        Assert.False(RegisterFacts.TryRead(registers.AsMemory(0, registers.Length - 1), out _));
    }

    private static LaneEntry Entry(Chance chance, EventBatch batch) => new()
    {
        Number = new EntryNumber(chance.Random.NextInt64()),
        Kind = EntryKind.Events,
        BaseOffset = new Offset(chance.Random.NextInt64(long.MaxValue >> 1)),
        EventCount = batch.Header.Count,
        AppendedAt = chance.Random.NextInt64(),
        After = chance.After(),
        Path = chance.Path(),
        Body = batch.Bytes,
    };
}
