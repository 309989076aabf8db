using Streams.Core;

namespace Streams.Core.Tests.Lanes;

public class SequenceRangesTests
{
    [Fact]
    public void Ranges_say_the_same_as_a_plain_set()
    {
        for (int seed = 0; seed < 400; seed++)
        {
            Random random = new(seed);
            SequenceRanges ranges = new();
            HashSet<long> plain = [];
            for (int step = 0; step < 60; step++)
            {
                long first = random.Next(1, 60), last = first + random.Next(12);
                bool add = random.Next(3) > 0;
                for (long s = first; s <= last; s++)
                {
                    _ = add ? plain.Add(s) : plain.Remove(s);
                }

                if (add)
                {
                    ranges.Add(first, last);
                }
                else
                {
                    ranges.Remove(first, last);
                }

                for (long s = 0; s < 75; s++)
                {
                    Assert.Equal(plain.Contains(s), ranges.Contains(s));
                }

                Assert.Equal(Enumerable.Range((int)first, (int)(last - first) + 1).All(s => plain.Contains(s)), ranges.Covers(first, last));
                for (int i = 1; i < ranges.Count; i++)
                {
                    Assert.True(ranges.Ranges[i - 1].Last + 1 < ranges.Ranges[i].First, "ranges that touch have merged");
                }
            }
        }
    }
}
