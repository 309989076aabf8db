namespace Streams.Mqtt.Tests;

public class TopicFilterTests
{
    [Theory]
    [InlineData("sport/tennis/player1/#", "sport/tennis/player1", true)]
    [InlineData("sport/tennis/player1/#", "sport/tennis/player1/ranking", true)]
    [InlineData("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true)]
    [InlineData("sport/#", "sport", true)]
    [InlineData("#", "a/b/c", true)]
    [InlineData("sport/tennis/+", "sport/tennis/player1", true)]
    [InlineData("sport/tennis/+", "sport/tennis/player1/ranking", false)]
    [InlineData("sport/+", "sport", false)]
    [InlineData("sport/+", "sport/", true)]
    [InlineData("+/+", "/finance", true)]
    [InlineData("/+", "/finance", true)]
    [InlineData("+", "/finance", false)]
    [InlineData("#", "$SYS/x", false)]
    [InlineData("+/monitor/Clients", "$SYS/monitor/Clients", false)]
    [InlineData("$SYS/#", "$SYS/x", true)]
    [InlineData("$SYS/monitor/+", "$SYS/monitor/Clients", true)]
    [InlineData("+/#", "a", true)]
    [InlineData("a/+/#", "a", false)]
    [InlineData("a", "A", false)]
    [InlineData("a/b", "a/b/", false)]
    [InlineData("a/b/", "a/b", false)]
    [InlineData("/", "/", true)]
    public void Matching_is_that_of_the_standard(string filter, string topic, bool matches)
    {
        Assert.Equal(matches, TopicFilter.Matches(filter, topic));
        Assert.Equal(matches, ReferenceMatches(filter, topic));
    }

    [Theory]
    [InlineData("#", true)]
    [InlineData("+", true)]
    [InlineData("+/tennis/#", true)]
    [InlineData("/", true)]
    [InlineData("//", true)]
    [InlineData("a b", true)]
    [InlineData("$share/g/+/#", true)]
    [InlineData("$share/g//", true)]
    [InlineData("$shared/x", true)]
    [InlineData("", false)]
    [InlineData("a#", false)]
    [InlineData("a/#/b", false)]
    [InlineData("##", false)]
    [InlineData("sport+", false)]
    [InlineData("+a/b", false)]
    [InlineData("a\0", false)]
    [InlineData("$share/g", false)]
    [InlineData("$share/g/", false)]
    [InlineData("$share//a", false)]
    [InlineData("$share/g+/a", false)]
    [InlineData("$share/#/a", false)]
    [InlineData("$share/g/a#", false)]
    [InlineData("$share/g\0/a", false)]
    public void Filters_are_valid_as_the_standard_says(string filter, bool valid)
    {
        Assert.Equal(valid, TopicFilter.IsValidFilter(filter));
    }

    [Fact]
    public void Names_have_no_wildcards_and_fit_into_two_bytes_of_length()
    {
        Assert.True(TopicFilter.IsValidName("a/b"));
        Assert.True(TopicFilter.IsValidName("$SYS"));
        Assert.True(TopicFilter.IsValidName(new string('x', 65_535)));
        Assert.False(TopicFilter.IsValidName(new string('x', 65_536)));
        Assert.False(TopicFilter.IsValidName(new string('ä', 32_768)));
        Assert.False(TopicFilter.IsValidFilter(new string('漢', 21_846)));
        Assert.True(TopicFilter.IsValidFilter(new string('漢', 21_845)));
        Assert.False(TopicFilter.IsValidName(""));
        Assert.False(TopicFilter.IsValidName("a+"));
        Assert.False(TopicFilter.IsValidName("#"));
        Assert.False(TopicFilter.IsValidName("a\0b"));
    }

    [Fact]
    public void A_shared_filter_is_taken_apart()
    {
        Assert.True(TopicFilter.TryParseShare("$share/group/a/+", out ReadOnlySpan<char> group, out ReadOnlySpan<char> inner));
        Assert.Equal("group", group.ToString());
        Assert.Equal("a/+", inner.ToString());
        Assert.False(TopicFilter.TryParseShare("a/b", out _, out _));
    }

    [Fact]
    public void Matching_and_the_tree_agree_with_the_obvious_matcher()
    {
        Random random = new(42);
        for (int round = 0; round < 300; round++)
        {
            TopicFilterTree<int> tree = new();
            HashSet<(string Filter, int Value)> held = [];
            for (int i = 0; i < 60; i++)
            {
                (string, int) pair = (RandomFilter(random), random.Next(6));
                if (random.Next(4) == 0 && held.Count > 0)
                {
                    pair = random.Next(3) == 0 ? pair : held.ElementAt(random.Next(held.Count));
                    Assert.Equal(held.Remove(pair), tree.Remove(pair.Item1, pair.Item2));
                }
                else
                {
                    Assert.Equal(held.Add(pair), tree.Add(pair.Item1, pair.Item2));
                }
            }

            Assert.Equal(held.Count, tree.Count);
            for (int i = 0; i < 40; i++)
            {
                string topic = RandomTopic(random);
                List<int> expected = [];
                foreach ((string filter, int value) in held)
                {
                    bool matches = ReferenceMatches(filter, topic);
                    Assert.True(matches == TopicFilter.Matches(filter, topic), $"{filter} {topic}");
                    if (matches)
                    {
                        expected.Add(value);
                    }
                }

                List<int> found = [];
                tree.Match(topic, found);
                Assert.Equal(expected.Order(), found.Order());
            }

            foreach ((string filter, int value) in held)
            {
                Assert.True(tree.Remove(filter, value));
            }

            List<int> none = [];
            tree.Match("a", none);
            Assert.Empty(none);
            Assert.Equal(0, tree.Count);
        }
    }

    [Fact]
    public void The_tree_refuses_what_is_no_filter_and_what_is_too_deep()
    {
        TopicFilterTree<string> tree = new();
        Assert.Throws<MqttProtocolException>(() => tree.Add("a#", "x"));
        string deep = string.Join('/', Enumerable.Repeat("+", TopicFilterTree<string>.MaximumLevels));
        Assert.True(tree.Add(deep, "x"));
        Assert.Equal(MqttReasonCode.TopicFilterInvalid, Assert.Throws<MqttProtocolException>(() => tree.Add(deep + "/+", "x")).ReasonCode);
        List<string> found = [];
        tree.Match(string.Join('/', Enumerable.Repeat("a", TopicFilterTree<string>.MaximumLevels)), found);
        Assert.Equal(["x"], found);
        tree.Match(new string('/', 65_535), found);
        Assert.Single(found);
        Assert.False(tree.Remove(deep + "/+", "x"));
        Assert.True(tree.Remove(deep, "x"));
    }

    [Fact]
    public void Finding_in_the_tree_allocates_nothing()
    {
        TopicFilterTree<int> tree = new();
        for (int i = 0; i < 1000; i++)
        {
            tree.Add($"fleet/car-{i}/telemetry", i);
        }

        tree.Add("fleet/+/telemetry", -1);
        List<int> found = new(8);
        tree.Match("fleet/car-17/telemetry", found);
        long before = GC.GetAllocatedBytesForCurrentThread();
        found.Clear();
        tree.Match("fleet/car-17/telemetry", found);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal([-1, 17], found.Order());
    }

    // By the definition: level by level, recursively, on arrays.
    private static bool ReferenceMatches(string filter, string topic)
    {
        if (topic.StartsWith('$') && (filter.StartsWith('+') || filter.StartsWith('#')))
        {
            return false;
        }

        return Levels(filter.Split('/'), topic.Split('/'));

        static bool Levels(string[] f, string[] t)
        {
            if (f.Length == 0)
            {
                return t.Length == 0;
            }

            if (f[0] == "#")
            {
                return true;
            }

            return t.Length > 0 && (f[0] == "+" || f[0] == t[0]) && Levels(f[1..], t[1..]);
        }
    }

    private static string RandomFilter(Random random)
    {
        string[] levels = [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => RandomLevel(random, "+"))];
        string filter = string.Join('/', levels);
        filter = random.Next(3) == 0 ? filter + "/#" : filter;
        return random.Next(20) == 0 ? "#" : filter.Length == 0 ? "a" : filter;
    }

    private static string RandomTopic(Random random)
    {
        string topic = string.Join('/', Enumerable.Range(0, random.Next(1, 5)).Select(_ => RandomLevel(random, "b")));
        return topic.Length == 0 ? "a" : topic;
    }

    private static string RandomLevel(Random random, string special) => random.Next(5) switch
    {
        0 => special,
        1 => "",
        2 => "$s",
        3 => "b",
        _ => "a",
    };
}
