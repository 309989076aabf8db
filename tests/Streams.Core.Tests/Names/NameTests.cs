using Streams.Core;

namespace Streams.Core.Tests.Names;

public class NameTests
{
    [Theory]
    [InlineData(null, "missing")]
    [InlineData("", "empty")]
    [InlineData("New-York", "not allowed")]
    [InlineData("-ny", "not allowed")]
    [InlineData("a.b", "not allowed")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "longer than 32")]
    public void A_bad_cluster_name_is_refused_with_the_reason(string? text, string reason)
    {
        Assert.False(ClusterName.TryParse(text, out _, out string? fault));
        Assert.Contains(reason, fault, StringComparison.Ordinal);
        Assert.Throws<InvalidNameException>(() => ClusterName.Parse(text));
    }

    [Theory]
    [InlineData("fleet", "must begin with '/'")]
    [InlineData("/", "empty level")]
    [InlineData("/a//b", "empty level")]
    [InlineData("/a/..", "may not be '..'")]
    [InlineData("/a+b", "'+' is not allowed")]
    [InlineData("/a:b", "':' is not allowed")]
    [InlineData("/a\u0001", "control character U+0001")]
    public void A_bad_stream_path_is_refused_with_the_reason(string text, string reason)
    {
        Assert.False(StreamPath.TryParse(text, out _, out string? fault));
        Assert.Contains(reason, fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Half_of_a_surrogate_pair_is_refused()
    {
        Assert.False(StreamPath.TryParse("/a" + (char)0xD800, out _, out string? fault));
        Assert.Contains("surrogate", fault, StringComparison.Ordinal);
        Assert.True(StreamPath.TryParse("/\ud83d\ude97", out _, out _));
    }

    [Fact]
    public void Topic_bytes_and_topic_text_are_judged_alike()
    {
        string[] texts = ["", "a/b", "größe", "a+b", "#", "\u0000", "a\u007f", "a\u0085b", "\u00c2\u00a0x", "€/😀", "x\u009f", "\u00a0",
            new string('x', 4097)];
        foreach (string text in texts)
        {
            Assert.Equal(TopicName.TryParse(text, out _, out _), TopicName.IsValid(System.Text.Encoding.UTF8.GetBytes(text)));
        }

        Assert.False(TopicName.IsValid([0xED, 0xA0, 0x80]));
        Assert.False(TopicName.IsValid([0xFF]));
    }

    [Fact]
    public void Origins_survive_their_text()
    {
        Origin origin = new(ClusterName.Parse("sj-2"), new Incarnation(0x0192f3ab4c5d6e7f));
        Assert.Equal("sj-2.0192f3ab4c5d6e7f", origin.ToString());
        Assert.Equal(origin, Origin.Parse(origin.ToString()));
        foreach (string bad in new[] { "", "sj", "sj.12", "sj.0192f3ab4c5d6e7g", ".0192f3ab4c5d6e7f", "SJ.0192f3ab4c5d6e7f",
            "sj.-192f3ab4c5d6e7f", "sj. 192f3ab4c5d6e7f" })
        {
            Assert.False(Origin.TryParse(bad, out _), bad);
        }
    }

    [Fact]
    public void R15_a_new_incarnation_is_greater_even_when_the_clock_went_back()
    {
        Incarnation future = new(ulong.MaxValue >> 4);
        Assert.True(Incarnation.After(future, TimeProvider.System, new Random(1)) > future);
        Origin old = new(ClusterName.Parse("a"), new Incarnation(5));
        Assert.True(old.IsClosedBy(old with { Incarnation = new Incarnation(6) }));
        Assert.False(old.IsClosedBy(old));
        Assert.False(old.IsClosedBy(new Origin(ClusterName.Parse("b"), new Incarnation(6))));
    }

    [Fact]
    public void Keys_spread_evenly_and_the_mapping_is_part_of_the_format()
    {
        int[] counts = new int[7];
        for (int i = 0; i < 70_000; i++)
        {
            counts[Partitioner.For([], System.Text.Encoding.UTF8.GetBytes($"car-{i}/telemetry"), 7).Value]++;
        }

        Assert.All(counts, c => Assert.InRange(c, 9_500, 10_500));
        Assert.Equal(Partitioner.For("k"u8, "a"u8, 64), Partitioner.For("k"u8, "b"u8, 64));
        Assert.Equal(684, Partitioner.For([], "car-17/telemetry"u8, 1024).Value);   // computed apart from this code
    }

    [Fact]
    public void The_hybrid_clock_never_goes_back()
    {
        HybridClock clock = new(TimeProvider.System, ClusterName.Parse("a"));
        HybridTimestamp first = clock.Next();
        clock.Observe(new HybridTimestamp(first.Value + (1UL << 40), ClusterName.Parse("b")));
        HybridTimestamp second = clock.Next();
        Assert.True(second.CompareTo(first) > 0 && second.Value > first.Value + (1UL << 40));
        Assert.True(clock.Next().CompareTo(second) > 0);
    }

    [Fact]
    public void The_checksum_is_that_of_rfc_3720()
    {
        Assert.Equal(0x8A9136AAu, Crc32C.Compute(new byte[32]));
        Assert.Equal(0xE3069283u, Crc32C.Compute("123456789"u8));
        Assert.Equal(Crc32C.Compute("123456789"u8), Crc32C.Compute("6789"u8, Crc32C.Compute("12345"u8)));
    }
}
