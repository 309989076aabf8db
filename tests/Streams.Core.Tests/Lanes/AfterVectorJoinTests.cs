using Streams.Core;

namespace Streams.Core.Tests;

public sealed class AfterVectorJoinTests
{
    [Fact]
    public void A_join_names_every_lane_of_both_at_the_higher_offset()
    {
        AfterVector a = AfterVector.Of([Place("sj", 4), Place("ny", 9)]);
        AfterVector b = AfterVector.Of([Place("sj", 7), Place("la", 1), Place("ny", 2)]);
        Assert.Equal([Place("la", 1), Place("ny", 9), Place("sj", 7)], a.Join(b).Places.ToArray());
        Assert.Equal(a.Join(b).Places.ToArray(), b.Join(a).Places.ToArray());
        Assert.Same(a, a.Join(AfterVector.Empty));
        Assert.Same(b, AfterVector.Empty.Join(b));
    }

    [Fact]
    public void A_join_names_no_more_lanes_than_a_vector_may()
    {
        AfterVector a = AfterVector.Of(Enumerable.Range(0, AfterVector.MaxLanes).Select(i => Place($"a{i}", i)));
        AfterVector joined = a.Join(AfterVector.Of([Place("b", 1), Place("a3", 99)]));
        Assert.Equal(AfterVector.MaxLanes, joined.Count);
        Assert.Contains(Place("a3", 99), joined.Places.ToArray());
    }

    private static EventPlace Place(string cluster, long offset) =>
        new(new Origin(ClusterName.Parse(cluster), new Incarnation(1)), new Offset(offset));
}
