using System.Runtime.InteropServices;

namespace FleetFailover;

/// <summary>What was asked for.</summary>
internal sealed record ReportedOptions(int Cars, int? Seconds, double? Rate, string? Replay, double? ReplaySpeed, string Kill,
    string? Sabotage);

/// <summary>What the clients of a run counted.</summary>
internal sealed record ClientFigures(int Cars, int Reconnects, long OrderReleased);

/// <summary>All figures of a run, as they are written to the report file.</summary>
internal sealed record RunReport
{
    public required bool Passed { get; init; }

    /// <summary>Events that the SDK's outbox took (PublishAsync returned): these may not be lost.</summary>
    public required long Published { get; init; }

    /// <summary>Of these, confirmed by a cluster.</summary>
    public required long Acknowledged { get; init; }

    /// <summary>Different events that the back end's application was handed.</summary>
    public required long Delivered { get; init; }

    public required long Lost { get; init; }

    public required long Duplicates { get; init; }

    public required long OutOfOrder { get; init; }

    /// <summary>Events delivered that nobody sent, or damaged; telemetry and commands.</summary>
    public required long Unexpected { get; init; }

    public required long OffsetMismatches { get; init; }

    public required long LaneDifferences { get; init; }

    public required long CommandsSent { get; init; }

    public required long CommandsAcknowledged { get; init; }

    public required long CommandsDelivered { get; init; }

    public required long CommandsLost { get; init; }

    public required long CommandDuplicates { get; init; }

    public required long CommandsOutOfOrder { get; init; }

    public required long Failures { get; init; }

    /// <summary>Places in lanes beyond one for each event: what was resent because its acknowledgement died with a cluster. No
    /// fault.</summary>
    public required long Twins { get; init; }

    /// <summary>Events handed out although an earlier one of their car had not come in time: allowed by declared patience, and
    /// counted.</summary>
    public required long OrderReleased { get; init; }

    public required ResumeFigures ResumeMilliseconds { get; init; }

    public required long Reconnects { get; init; }

    public required IReadOnlyList<KillRecord> Kills { get; init; }

    public required IReadOnlyList<ReportedCluster> Clusters { get; init; }

    public required IReadOnlyList<ReportedFinding> Findings { get; init; }

    /// <summary>What the saboteur did, if there was one.</summary>
    public string? SabotageDone { get; init; }

    public required int Seed { get; init; }

    public required ReportedOptions Options { get; init; }

    public required RunDurations Durations { get; init; }

    public required ReportedPlatform Platform { get; init; }

    public static RunReport Of(FleetOptions options, ReplayFile? replay, Judge judge, Verdict verdict, ResumeFigures resume,
        IReadOnlyList<KillRecord> kills, ClientFigures clients, string? sabotageDone, RunDurations durations) => new()
        {
            Passed = verdict.Passed,
            Published = verdict.Telemetry.Sent,
            Acknowledged = verdict.Telemetry.Confirmed,
            Delivered = verdict.Telemetry.Delivered,
            Lost = verdict.Telemetry.Lost,
            Duplicates = verdict.Telemetry.Duplicates,
            OutOfOrder = verdict.Telemetry.OutOfOrder,
            Unexpected = verdict.Telemetry.Unexpected + verdict.Commands.Unexpected,
            OffsetMismatches = verdict.OffsetMismatches,
            LaneDifferences = verdict.LaneDifferences,
            CommandsSent = verdict.Commands.Sent,
            CommandsAcknowledged = verdict.Commands.Confirmed,
            CommandsDelivered = verdict.Commands.Delivered,
            CommandsLost = verdict.Commands.Lost,
            CommandDuplicates = verdict.Commands.Duplicates,
            CommandsOutOfOrder = verdict.Commands.OutOfOrder,
            Failures = verdict.Failures,
            Twins = verdict.Twins,
            OrderReleased = clients.OrderReleased,
            ResumeMilliseconds = resume,
            Reconnects = clients.Reconnects,
            Kills = kills,
            Clusters = ReportedCluster.Of(judge),
            Findings = ReportedFinding.Of(verdict),
            SabotageDone = sabotageDone,
            Seed = options.Seed,
            Options = new ReportedOptions(clients.Cars, replay is null || options.SecondsGiven ? options.Seconds : null,
                replay is null ? options.Rate : null, options.Replay, replay is null ? null : options.ReplaySpeed,
                FleetOptionsParser.KillNames.Single(pair => pair.Value == options.Kill).Key,
                FleetOptionsParser.SabotageNames.FirstOrDefault(pair => pair.Value == options.Sabotage).Key),
            Durations = durations,
            Platform = ReportedPlatform.Here,
        };
}
