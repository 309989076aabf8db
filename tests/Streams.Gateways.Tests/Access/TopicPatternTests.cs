using Streams.Core;

namespace Streams.Gateways.Tests;

public sealed class TopicPatternTests
{
    private static readonly AccessSubject Press = new("press-1", "anna", "here")
    {
        Certificate = new ClientCertificate("CN=press", "press", "00"),
    };

    [Theory]
    [InlineData("plant/press-1/temp", "plant/%c/#", true)]
    [InlineData("plant/press-1", "plant/%c/#", true)]
    [InlineData("plant/press-2/temp", "plant/%c/#", false)]
    [InlineData("plant/anna/temp", "plant/%u/+", true)]
    [InlineData("plant/press/temp", "+/%n/temp", true)]
    [InlineData("plant/press/temp/x", "+/%n/temp", false)]
    [InlineData("plant", "#", true)]
    [InlineData("plant", "plant", true)]
    [InlineData("plant", "plant/+", false)]
    [InlineData("plant/a", "plant", false)]
    [InlineData("/a", "/+", true)]
    [InlineData("/a", "+/a", true)]
    [InlineData("/a", "a", false)]
    public void Topics_match(string topic, string pattern, bool expected)
    {
        Assert.True(TopicMap.TrySplit(topic, out StreamPath stream, out ReadOnlyMemory<char> rest, out _));

        Assert.Equal(expected, Parse(pattern).Matches(Press, stream, rest.Span));
    }

    [Theory]
    [InlineData("plant/press-1/temp", "plant/%c/#", true)]
    [InlineData("plant/press-1/#", "plant/%c/#", true)]
    [InlineData("plant/press-1/+", "plant/%c/+", true)]
    [InlineData("plant/+/temp", "plant/%c/#", false)]
    [InlineData("plant/#", "plant/+", false)]
    [InlineData("plant/#", "plant/+/#", false)]
    [InlineData("#", "plant/#", false)]
    [InlineData("+/a", "plant/a", false)]
    [InlineData("#", "#", true)]
    public void A_filter_is_covered_only_as_a_whole(string filter, string pattern, bool expected)
        => Assert.Equal(expected, Parse(pattern).Covers(Press, default, filter));

    [Theory]
    [InlineData("+")]
    [InlineData("#")]
    [InlineData("a/b")]
    [InlineData("%u")]
    public void A_client_that_calls_itself_a_wildcard_gets_nothing_by_that(string name)
    {
        AccessSubject odd = new(name, null, "here");

        Assert.False(Parse("plant/%c/x").Covers(odd, default, "plant/+/x"));
        Assert.False(Parse("plant/%c").Covers(odd, default, "plant/#"));
        Assert.False(Parse("plant/%c/x").Matches(odd, StreamPath.Parse("/plant"), "press-1/x"));
        Assert.False(Parse("plant/%u").Matches(odd, StreamPath.Parse("/plant"), "%u"));
    }

    [Fact]
    public void Who_has_no_user_name_fits_no_level_of_one()
    {
        AccessSubject nameless = new("press-1", null, "here");

        Assert.False(Parse("plant/%u/x").Matches(nameless, StreamPath.Parse("/plant"), "/x"));
        Assert.False(Parse("%u/x").Matches(nameless, TopicMap.Root, "x"));
    }

    [Theory]
    [InlineData("", "must be a topic filter")]
    [InlineData("a/#/b", "#")]
    [InlineData("$SYS/#", "belong to the system")]
    [InlineData("plant/press-%c", "whole level")]
    [InlineData("plant/%x", "whole level")]
    public void What_is_no_pattern_is_told(string text, string expected)
    {
        Assert.False(TopicPattern.TryParse(text, out _, out string? fault));
        Assert.Contains(expected, fault, StringComparison.Ordinal);
    }

    private static TopicPattern Parse(string text)
    {
        Assert.True(TopicPattern.TryParse(text, out TopicPattern? pattern, out string? fault), fault);
        return pattern!;
    }
}
