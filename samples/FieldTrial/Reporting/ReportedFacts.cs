using System.Runtime.InteropServices;

namespace FieldTrial;

internal sealed record ReportedLane(string Stream, string Origin, int Partition, long Next, string Sha256);

/// <summary>A cluster with all lanes that it holds.</summary>
internal sealed record ReportedCluster(string Name, IReadOnlyList<ReportedLane> Lanes)
{
    /// <summary>All clusters, as the judge has seen them.</summary>
    public static IReadOnlyList<ReportedCluster> Of(Judge judge) =>
        [.. judge.Audit.Clusters.Select((name, i) => new ReportedCluster(name, LanesOf(judge, i)))];

    private static IReadOnlyList<ReportedLane> LanesOf(Judge judge, int cluster) =>
        [.. judge.Audit.Lanes
            .Select(lane => (Id: judge.Lanes[lane], Seen: judge.Audit.Seen(lane, cluster)))
            .Where(lane => lane.Seen is not null)
            .Select(lane => new ReportedLane(lane.Id.Partition.Stream.Value, lane.Id.Origin.ToString(), lane.Id.Partition.Partition.Value,
                lane.Seen!.Next, lane.Seen.Sha256))];
}

internal sealed record ReportedFinding(string Kind, string Text)
{
    /// <summary>What a verdict found fault with.</summary>
    public static IReadOnlyList<ReportedFinding> Of(Verdict verdict) =>
        [.. verdict.Findings.Select(finding => new ReportedFinding(finding.Kind.ToString(), finding.Text))];
}

internal sealed record ReportedPlatform(string Os, string Architecture, int Processors, string Runtime)
{
    /// <summary>Where this runs.</summary>
    public static ReportedPlatform Here { get; } = new(RuntimeInformation.OSDescription, $"{RuntimeInformation.OSArchitecture}",
        Environment.ProcessorCount, RuntimeInformation.FrameworkDescription);
}

/// <summary>Seconds: of load, from its end until all had drained, and of all of it.</summary>
internal sealed record RunDurations(double LoadSeconds, double DrainSeconds, double TotalSeconds);
