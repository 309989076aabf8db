using Streams.Testing;
using Xunit.Abstractions;

namespace Streams.Simulation;

/// <summary>Every world of the model, and those that it could not play, over the product's own decisions: whatever is cut, killed, wiped,
/// rolled back or moved, events are given once and in order, offsets name one event, cursors converge and nothing waits for ever (rules R1
/// to R19).</summary>
public sealed class FailoverWorldTests(ITestOutputHelper output)
{
    private const int FixedSeeds = 50;
    private const int FreshSeeds = 50;

    public static TheoryData<string> Names => [.. Configuration.All.Select(static c => c.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_world_of_any_kind_keeps_what_is_promised(string name)
    {
        Configuration configuration = Configuration.Find(name)!;
        SeededRandom fresh = Seeds.Next();
        long first = 1_000_000 + ((long)fresh.Seed * FreshSeeds);
        output.WriteLine($"fresh seeds of {name}: {first} to {first + FreshSeeds - 1}");
        Failure[] failures = [.. Play(configuration, 0, FixedSeeds), .. Play(configuration, first, FreshSeeds)];
        Assert.True(failures.Length == 0, string.Join('\n', failures.Select(static f =>
            $"{f.Kind}: {f.Text}; play it again with --configuration {f.Plan.Configuration.Name} --trace {f.Plan.Seed}")));
    }

    [Fact]
    public void Every_fault_is_met()
    {
        FaultTally met = new();
        foreach (CampaignResult result in new Campaign(Configuration.All, 500, 40).Play(null).Values)
        {
            met.Add(result.Tally);
        }

        string[] faults = ["fault: power failures", "fault: processes killed", "fault: crashes in the middle of a write",
            "fault: refused flushes and writes", "fault: links cut", "fault: one way of a link held up", "frames repeated",
                "frames lost in cuts",
            "entries lost on a connection that stays up", "half-dead connections", "batches lost inside a cluster",
            "batches that arrived after their device had left", "devices restarted",
            "confirmations written before earlier ones", "consumers restarted", "hosts without memory",
            "clusters wiped", "data directories rolled back", "outboxes rolled back", "lanes trimmed", "late joiners", "rewinds",
            "gaps stepped over by links", "events in gaps, stepped over by readers", "twins skipped", "twins caught by the SDK",
                "events held back",
            "lanes stopped for want of room", "closed lanes told to readers", "partitions that came while a reader was connected",
            "producers forgotten by the SDK after 30 days", "link starts that went on with a known list"];
        Assert.DoesNotContain(faults, fault => met[fault] == 0);
        foreach (Faults fault in Enum.GetValues<Faults>().Where(static f => f is not (Faults.None or Faults.Late or Faults.Dual)))
        {
            Assert.True(met["fault: " + fault] > 0, $"{fault} was never met");
        }
    }

    [Fact]
    public void A_plan_plays_the_same_way_each_time()
    {
        foreach (string name in new[] { "allretain", "crowdall", "grow" })
        {
            WorldPlan plan = new(Configuration.Find(name)!, 77) { Traces = true };
            World once = WorldRun.Play(plan);
            World again = WorldRun.Play(plan);
            Assert.Equal(once.Trace, again.Trace);
            Assert.Equal(once.Tally.Counts, again.Tally.Counts);
            Assert.True(once.Trace!.Count > 100, "nothing happened");
        }
    }

    private static List<Failure> Play(Configuration configuration, long first, int seeds) =>
        new Campaign([configuration], first, seeds).Play(null)[configuration.Name].Failures;
}
