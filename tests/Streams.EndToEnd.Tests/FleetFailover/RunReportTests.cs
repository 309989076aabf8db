using System.Text.Json;
using FieldTrial;
using FleetFailover;

namespace Streams.EndToEnd.Tests;

public sealed class RunReportTests
{
    [Fact]
    public void The_report_names_every_figure()
    {
        using JsonDocument json = JsonDocument.Parse(ReportFile.Text(Report(SabotageKind.None)));
        JsonElement root = json.RootElement;
        string[] zeros =
        [
            "lost", "duplicates", "outOfOrder", "unexpected", "offsetMismatches", "laneDifferences", "commandsLost", "commandDuplicates",
            "commandsOutOfOrder", "failures",
        ];
        Assert.All(zeros, name => Assert.Equal((name, 0), (name, root.GetProperty(name).GetInt64())));
        Assert.All(new[] { "published", "acknowledged", "delivered" }, name => Assert.Equal(120, root.GetProperty(name).GetInt64()));
        Assert.All(new[] { "commandsSent", "commandsDelivered" }, name => Assert.Equal(12, root.GetProperty(name).GetInt64()));
        Assert.True(root.GetProperty("passed").GetBoolean());
        Assert.Equal(42, root.GetProperty("seed").GetInt32());
        Assert.Equal(3, root.GetProperty("options").GetProperty("cars").GetInt32());
        Assert.Equal("origin", root.GetProperty("options").GetProperty("kill").GetString());
        Assert.Equal(5, root.GetProperty("reconnects").GetInt32());
        Assert.Equal("sj", root.GetProperty("kills")[0].GetProperty("cluster").GetString());
        Assert.Equal(2.5, root.GetProperty("resumeMilliseconds").GetProperty("p99").GetDouble());
    }

    [Fact]
    public void Every_lane_of_every_cluster_is_in_the_report()
    {
        using JsonDocument json = JsonDocument.Parse(ReportFile.Text(Report(SabotageKind.None)));
        JsonElement clusters = json.RootElement.GetProperty("clusters");
        Assert.Equal(["sj", "ny", "ldn"], clusters.EnumerateArray().Select(cluster => cluster.GetProperty("name").GetString()));
        foreach (JsonElement cluster in clusters.EnumerateArray())
        {
            Assert.Equal(
                [("/commands", 1, 12L), ("/fleet", 2, 120L)],
                cluster.GetProperty("lanes").EnumerateArray().Select(lane => (lane.GetProperty("stream").GetString(),
                    lane.GetProperty("partition").GetInt32(), lane.GetProperty("next").GetInt64())));
            Assert.All(cluster.GetProperty("lanes").EnumerateArray(), lane =>
            {
                Assert.Equal("sj.0192f3ab4c5d6e7f", lane.GetProperty("origin").GetString());
                Assert.Equal("abcd", lane.GetProperty("sha256").GetString());
            });
        }
    }

    [Fact]
    public void The_verdict_line_says_it_all()
    {
        Assert.Equal(
            "VERDICT PASS: 120 published, 120 acknowledged, 120 delivered, 0 lost, 0 twice, 0 out of order; 12 of 12 commands delivered, "
            + "0 lost, 0 twice, 0 out of order; 0 offset mismatches, 0 lane differences, 0 unexpected, 0 failures",
            FinalPicture.VerdictLine(Report(SabotageKind.None)));
        Assert.StartsWith("VERDICT FAIL: 120 published, 120 acknowledged, 119 delivered, 1 lost,",
            FinalPicture.VerdictLine(Report(SabotageKind.Lose)), StringComparison.Ordinal);
    }

    private static RunReport Report(SabotageKind sabotage)
    {
        JudgedWorld world = new JudgedWorld(sabotage).Drive().Read();
        foreach (int lane in world.Judge.Audit.Lanes)
        {
            for (int cluster = 0; cluster < 3; cluster++)
            {
                world.Judge.Audit.Finish(cluster, lane, "abcd");
            }
        }

        return RunReport.Of(new FleetOptions { Seed = 42, Sabotage = sabotage }, null, world.Judge, world.Judge.Decide(),
            new ResumeFigures(3, 0, 1, 2.5, 3), [new KillRecord("sj", 6.5, 7.25, 3)], new ClientFigures(3, 5, 0), world.Saboteur.Deed,
            new RunDurations(20, 1, 23));
    }
}
