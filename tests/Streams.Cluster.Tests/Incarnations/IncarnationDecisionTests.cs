using Streams.Core;

namespace Streams.Cluster.Tests;

public sealed class IncarnationDecisionTests
{
    private static readonly ClusterName Sj = ClusterName.Parse("sj");
    private static readonly FileMark Mark = new(4711, 1_000_000_000_000);

    private static readonly IncarnationFacts Plain = new()
    {
        Recorded = new CatalogRecord(Sj, new Incarnation(100), 5, Mark),
        IdentityFile = Mark,
        Witness = new WitnessRecord(Sj, new Incarnation(100), 5, 40),
        LatestInStore = new Incarnation(100),
        OwnEntries = 40,
        Neighbours = new NeighbourReport(false, "level", new Incarnation(100)),
    };

    public static TheoryData<string, IncarnationFacts, IncarnationReason> Table => new()
    {
        { "a plain restart", Plain, IncarnationReason.PlainRestart },
        { "no neighbour answered", Plain with { Neighbours = null }, IncarnationReason.PlainRestart },
        { "no witness", Plain with { Witness = null }, IncarnationReason.PlainRestart },
        {
            "a crash between catalog and witness",
            Plain with { Witness = new WitnessRecord(Sj, new Incarnation(100), 4, 40) },
            IncarnationReason.PlainRestart
        },
        {
            "a crash between catalog and witness of a new incarnation",
            Plain with { Witness = new WitnessRecord(Sj, new Incarnation(90), 4, 999) },
            IncarnationReason.PlainRestart
        },
        { "more entries than the witness saw", Plain with { OwnEntries = 41 }, IncarnationReason.PlainRestart },
        {
            "an idle cluster that never wrote",
            Plain with { OwnEntries = 0, Witness = new WitnessRecord(Sj, new Incarnation(100), 5, 0) },
            IncarnationReason.PlainRestart
        },
        { "a file system without creation times", Plain with { IdentityFile = new FileMark(4711, 0) }, IncarnationReason.PlainRestart },
        { "a new directory", new IncarnationFacts { IdentityFile = Mark }, IncarnationReason.NewDirectory },
        { "a wiped directory whose witness is still there", Plain with { Recorded = null }, IncarnationReason.NewDirectory },
        { "a declared restore", Plain with { RestoreDeclared = true }, IncarnationReason.RestoreDeclared },
        { "another inode", Plain with { IdentityFile = new FileMark(4712, Mark.BornNanoseconds) }, IncarnationReason.DirectoryCopied },
        {
            "a reused inode with another creation time",
            Plain with { IdentityFile = new FileMark(4711, 2_000_000_000_000) },
            IncarnationReason.DirectoryCopied
        },
        {
            "fewer starts than the witness saw",
            Plain with { Witness = new WitnessRecord(Sj, new Incarnation(100), 6, 0) },
            IncarnationReason.BehindWitness
        },
        {
            "an earlier incarnation than the witness saw",
            Plain with { Witness = new WitnessRecord(Sj, new Incarnation(101), 5, 0) },
            IncarnationReason.BehindWitness
        },
        { "fewer entries than the witness saw", Plain with { OwnEntries = 39 }, IncarnationReason.EntriesMissing },
        { "a lost log", Plain with { LatestInStore = default, Witness = null }, IncarnationReason.StoreBehindCatalog },
        { "damage in what had been flushed", Plain with { StoreDamage = "c0 at 4096" }, IncarnationReason.StoreDamaged },
        {
            "a later incarnation in the store",
            Plain with { LatestInStore = new Incarnation(101) },
            IncarnationReason.LaterIncarnationKnown
        },
        {
            "a neighbour that holds more",
            Plain with { Neighbours = new NeighbourReport(true, "ny holds 50", new Incarnation(100)) },
            IncarnationReason.NeighbourHoldsMore
        },
        {
            "a neighbour that knows a later incarnation",
            Plain with { Neighbours = new NeighbourReport(false, "ny", new Incarnation(102)) },
            IncarnationReason.NeighbourHoldsMore
        },
        { "the strict policy", Plain with { Policy = IncarnationPolicy.Always }, IncarnationReason.PolicyAlways },
    };

    [Theory]
    [MemberData(nameof(Table))]
    public void Each_situation_has_its_reason(string situation, IncarnationFacts facts, IncarnationReason expected)
    {
        IncarnationDecision decision = IncarnationDecision.Decide(facts);

        Assert.True(expected == decision.Reason, $"{situation}: {decision}");
        Assert.Equal(expected != IncarnationReason.PlainRestart, decision.OpensNew);
        Assert.NotEmpty(decision.Detail);
    }

    [Fact]
    public void Going_on_keeps_the_recorded_incarnation()
    {
        Incarnation chosen = IncarnationDecision.Decide(Plain).Choose(Plain, TimeProvider.System, new Random(1));

        Assert.Equal(new Incarnation(100), chosen);
    }

    [Fact]
    public void A_new_incarnation_is_later_than_any_that_anything_knows_even_if_the_clock_went_back()
    {
        ulong far = ulong.MaxValue - (1 << 20);
        foreach (IncarnationFacts facts in new[]
        {
            Plain with { RestoreDeclared = true, Recorded = new CatalogRecord(Sj, new Incarnation(far), 5, Mark) },
            Plain with { RestoreDeclared = true, Witness = new WitnessRecord(Sj, new Incarnation(far), 5, 0) },
            Plain with { RestoreDeclared = true, LatestInStore = new Incarnation(far) },
            Plain with { RestoreDeclared = true, Neighbours = new NeighbourReport(true, "ny", new Incarnation(far)) },
        })
        {
            Incarnation chosen = IncarnationDecision.Decide(facts).Choose(facts, TimeProvider.System, new Random(1));

            Assert.True(chosen > new Incarnation(far), $"{chosen} is not later than {far:x16}");
        }
    }
}
