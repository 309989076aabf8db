using Streams.Core;

namespace Streams.Cluster.Tests;

public sealed class NodeNameTests
{
    [Theory]
    [InlineData("n1")]
    [InlineData("n")]
    [InlineData("streams-0")]
    [InlineData("a-")]
    [InlineData("a23456789-123456789-123456789-123456789-123456789-123456789-123")]
    public void A_name_is_read_and_written(string text)
    {
        Assert.Equal(text, NodeName.Parse(text).ToString());
        Assert.Equal(NodeName.Parse(text), NodeName.Parse(new string(text.AsSpan())));
        Assert.False(NodeName.Parse(text).IsNone);
    }

    [Theory]
    [InlineData(null, "missing")]
    [InlineData("", "empty")]
    [InlineData("1n", "'1' at 0")]
    [InlineData("-n", "'-' at 0")]
    [InlineData("N1", "'N' at 0")]
    [InlineData("n1/x", "'/' at 2")]
    [InlineData("n 1", "' ' at 1")]
    [InlineData("n.1", "'.' at 1")]
    [InlineData("nö", "'ö' at 1")]
    [InlineData("n\n", "U+000A at 1")]
    [InlineData("a23456789-123456789-123456789-123456789-123456789-123456789-1234", "64 characters")]
    public void What_is_no_name_is_refused_with_the_place_and_what_would_be_right(string? text, string told)
    {
        Assert.False(NodeName.TryParse(text, out NodeName name, out string? fault));
        Assert.True(name.IsNone);
        Assert.Contains(told, fault);
        Assert.Contains(told, Assert.Throws<InvalidNameException>(() => NodeName.Parse(text)).Message);
    }

    [Fact]
    public void Names_are_ordered_by_their_characters()
    {
        string[] texts = ["n2", "n10", "a", "n1"];
        Assert.Equal(["a", "n1", "n10", "n2"], texts.Select(NodeName.Parse).Order().Select(n => n.Value));
        Assert.Equal(string.Empty, default(NodeName).Value);
        Assert.True(default(NodeName).IsNone);
    }
}
