using System.Text.Json;
using EdgeGateway;
using FieldTrial;
using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>The sample with the agent between machines and clusters, small: real processes, real kills. And its parts.</summary>
public class EdgeGatewayTests
{
    [Fact]
    public async Task Machines_behind_an_agent_lose_nothing_whatever_happens_to_it_and_its_clusters()
    {
        using TemporaryDirectory directory = new();
        string report = directory.Combine("report.json");
        await using ChildProcess sample = Start(directory, "--machines", "20", "--seconds", "6", "--rate", "3", "--report", report);
        Assert.True(await sample.WaitForExitAsync(TimeSpan.FromMinutes(3)) == 0, sample.Report);

        using JsonDocument read = JsonDocument.Parse(await File.ReadAllTextAsync(report));
        JsonElement root = read.RootElement;
        Assert.Equal(360, root.GetProperty("acknowledged").GetInt64());
        Assert.Equal(360, root.GetProperty("delivered").GetInt64());
        foreach (string promise in (string[])["lost", "duplicates", "outOfOrder", "offsetMismatches", "laneDifferences", "commandsLost",
            "commandDuplicates", "unexpected", "failures"])
        {
            Assert.True(root.GetProperty(promise).GetInt64() == 0, $"{promise}: {sample.Report}");
        }

        Assert.Equal(40, root.GetProperty("commandsDelivered").GetInt64());
        Assert.Equal(StoryPlan.For(StoryParts.None, new Random(1)).Count, root.GetProperty("story").GetArrayLength());
        Assert.True(root.GetProperty("resumeMilliseconds").GetProperty("count").GetInt32() > 20, "the kills of the agent tested nothing");
        Assert.True(root.GetProperty("agent").GetProperty("peakWaiting").GetInt64() > 0, "the cut tested nothing");
        Assert.Equal(2, root.GetProperty("clusters").GetArrayLength());
    }

    [Fact]
    public async Task A_fault_put_before_its_judge_is_found_and_named()
    {
        using TemporaryDirectory directory = new();
        string report = directory.Combine("report.json");
        await using ChildProcess sample = Start(directory, "--machines", "4", "--seconds", "2", "--rate", "5", "--skip",
            "cut,agent,cluster,clock,sleep", "--sabotage", "lose", "--report", report);
        Assert.True(await sample.WaitForExitAsync(TimeSpan.FromMinutes(3)) == 1, sample.Report);

        using JsonDocument read = JsonDocument.Parse(await File.ReadAllTextAsync(report));
        Assert.True(read.RootElement.GetProperty("lost").GetInt64() == 1, sample.Report);
        Assert.Equal(0, read.RootElement.GetProperty("failures").GetInt64());
        Assert.Contains(sample.Lines, line => line.Contains("VERDICT FAIL", StringComparison.Ordinal));
    }

    [Fact]
    public void Without_options_five_hundred_machines_see_the_whole_story()
    {
        (GatewayOptions options, IReadOnlyList<string> faults) = GatewayOptionsParser.Parse([], new Random(1));
        Assert.Empty(faults);
        Assert.Equal((500, 45, 1.0, StoryParts.None, SabotageKind.None),
            (options.Machines, options.Seconds, options.Rate, options.Skip, options.Sabotage));
    }

    [Theory]
    [InlineData("--machines 0", "--machines 0: must be a whole number from 1 to 5000")]
    [InlineData("--skip cut,rain", "--skip rain: must be one of cut, agent, cluster, clock, sleep")]
    [InlineData("--data nowhere", "--data nowhere: there is no such folder")]
    [InlineData("--sabotage", "--sabotage: needs a value")]
    [InlineData("--cars 3", "--cars: no such option; --help lists them")]
    public void A_fault_of_the_command_line_is_named(string arguments, string fault) =>
        Assert.Equal(fault, GatewayOptionsParser.Parse(arguments.Split(' '), new Random(1)).Faults[0]);

    [Fact]
    public void A_story_mends_what_it_breaks_and_is_told_again_by_the_same_chance()
    {
        for (int seed = 0; seed < 100; seed++)
        {
            IReadOnlyList<StoryStep> plan = StoryPlan.For(StoryParts.None, new Random(seed));
            Assert.Equal(plan, StoryPlan.For(StoryParts.None, new Random(seed)));
            Assert.Equal(2, plan.Count(step => step.What == Happening.UplinkMended));
            Assert.True(Index(plan, Happening.ClusterKilled) < Index(plan, Happening.ClusterBack));
            Assert.True(Index(plan, Happening.UplinkCut) < Index(plan, Happening.UplinkMended));
            Assert.True(Index(plan, Happening.UplinkHeldUp) < plan.Index().Last(s => s.Item.What == Happening.UplinkMended).Index);
        }

        Assert.DoesNotContain(StoryPlan.For(StoryParts.Agent, new Random(1)), step => step.What == Happening.AgentKilled);

        static int Index(IReadOnlyList<StoryStep> plan, Happening what) => plan.Index().First(step => step.Item.What == what).Index;
    }

    [Fact]
    public void A_repeat_that_its_sender_allowed_is_counted_apart_and_a_second_one_is_a_duplicate()
    {
        Judge judge = new(["m"], ["sj"], MachineWorld.Plant, MachineWorld.Orders, hasReceipts: false);
        judge.Telemetry.Publish(0, 1);
        judge.Telemetry.AllowRepeat(0, 1);
        int lane = judge.Lanes.Number(MachineWorld.Plant, default, Core.Origin.Parse("sj.0192f3ab4c5d6e7f"));
        for (int i = 0; i < 3; i++)
        {
            judge.Telemetry.Deliver(0, 1, new Place(lane, i));
        }

        LedgerTotals totals = judge.Telemetry.Close();
        Assert.Equal((1, 1, 1, 0), (totals.Delivered, totals.Repeated, totals.Duplicates, totals.Lost));
        Assert.False(totals.IsClean);
    }

    [Fact]
    public void A_days_ledger_tells_what_is_missing_from_what_came_twice()
    {
        DayLedger ledger = new(2);
        for (int i = 0; i < 6; i++)
        {
            ledger.Acknowledge(i / 5);
        }

        ledger.Deliver(0, 3);
        ledger.Deliver(0, 3);
        ledger.Deliver(0, 2);
        ledger.Deliver(0, 4);
        ledger.Close();
        Assert.Equal((6, 2, 4, 3, 2), (ledger.Acknowledged, ledger.Delivered, ledger.Missing, ledger.Gaps, ledger.OutOfOrderOrTwice));
    }

    [Fact]
    public void A_plot_shows_the_highest_of_each_stretch()
    {
        SeriesPoint[] series = [.. Enumerable.Range(0, 5).Select(i => new SeriesPoint(i, 0, 0, 0, i * 10, 0, 0, 0))];
        Assert.Equal($"{"waiting",-22} ▂▄▆█  max 40", FinalPicture.Plot("waiting", series, static p => p.AtAgent));
        Assert.EndsWith("max 0", FinalPicture.Plot("waiting", [], static p => p.AtAgent), StringComparison.Ordinal);
    }

    // Its own folder for all that it keeps, so that nothing stays when the test is killed.
    private static ChildProcess Start(TemporaryDirectory directory, params string[] arguments) => ChildProcess.Start(
        Repository.DotnetHost, [Repository.BuiltProgram("samples/EdgeGateway"), .. arguments],
        environment: new Dictionary<string, string?> { ["TMPDIR"] = directory.FullName, [Recordings.Variable] = directory.FullName });
}
