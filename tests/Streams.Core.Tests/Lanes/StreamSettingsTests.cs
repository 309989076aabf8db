namespace Streams.Core.Tests;

public class StreamSettingsTests
{
    private static readonly StreamSettings Chosen = new(9)
    {
        RetentionAge = TimeSpan.FromDays(30),
        RetentionBytes = 5L << 40,
        Durability = Durability.Written,
    };

    [Fact]
    public void They_come_back_as_they_were_written()
    {
        Assert.Equal(Chosen, Read(Chosen.Write()));
        Assert.Equal(StreamSettings.Default, Read(StreamSettings.Default.Write()));
        Assert.True(StreamSettings.Default.KeepsAll);
        Assert.False(Chosen.KeepsAll);
    }

    [Fact]
    public void The_first_version_had_partitions_alone() => Assert.Equal(new StreamSettings(300), Read([1, 300 & 0xff, 300 >> 8]));

    [Fact]
    public void Bytes_that_are_none_are_refused()
    {
        byte[] bytes = Chosen.Write();
        for (int length = 0; length < bytes.Length; length++)
        {
            Assert.Null(Read(bytes[..length]));
        }

        Assert.Null(Read([.. bytes, 0]));
        Assert.Null(Read([3, .. bytes[1..]]));
        Assert.Null(Read([.. bytes[..^1], 7]));
        Assert.Null(Read((Chosen with { Partitions = 0 }).Write()));
    }

    [Theory]
    [InlineData(0, 1L, "partitions")]
    [InlineData(1025, 1L, "partitions")]
    [InlineData(4, 0L, "retention bytes")]
    [InlineData(4, -1L, "retention bytes")]
    public void A_fault_says_what_would_be_right(int partitions, long bytes, string says) =>
        Assert.StartsWith(says, new StreamSettings(partitions) { RetentionBytes = bytes }.Fault);

    [Fact]
    public void Ages_are_whole_seconds()
    {
        Assert.NotNull(new StreamSettings(1) { RetentionAge = TimeSpan.FromMilliseconds(1500) }.Fault);
        Assert.NotNull(new StreamSettings(1) { RetentionAge = TimeSpan.Zero }.Fault);
        Assert.Null(new StreamSettings(1) { RetentionAge = StreamSettings.MaxRetentionAge }.Fault);
    }

    [Fact]
    public void The_later_win_but_for_the_partitions()
    {
        Assert.Equal(new StreamSettings(9), StreamSettings.Join(new StreamSettings(2), Chosen));
        Assert.Equal(Chosen, StreamSettings.Join(Chosen, new StreamSettings(2)));
        Assert.Equal(Chosen with { Partitions = 12 }, StreamSettings.Join(Chosen, new StreamSettings(12)));
    }

    private static StreamSettings? Read(byte[] bytes) => StreamSettings.TryRead(bytes, out StreamSettings? settings) ? settings : null;
}
