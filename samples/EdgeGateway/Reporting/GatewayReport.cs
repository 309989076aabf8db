namespace EdgeGateway;

internal sealed record ReportedRun(int Machines, int Seconds, double Rate, IReadOnlyDictionary<string, int> Kinds, string Readings,
    string? Skipped, string? Sabotage);

/// <summary>What the agent took of its machine and its line.</summary>
/// <param name="PeakMemoryMegabytes">Most resident memory.</param>
/// <param name="StoreMegabytes">Its files at the end.</param>
/// <param name="PeakWaiting">Most events that waited to go up.</param>
/// <param name="Dropped">Events that went although no cluster had them, since it was last started.</param>
/// <param name="BytesUp">Bytes on the lines to the clusters.</param>
/// <param name="BytesDown">Bytes on the lines from them.</param>
internal sealed record AgentCosts(double PeakMemoryMegabytes, double StoreMegabytes, long PeakWaiting, long Dropped, long BytesUp,
    long BytesDown);

/// <summary>All figures of a run, as they are written to the report file.</summary>
internal sealed record GatewayReport
{
    public required bool Passed { get; init; }

    /// <summary>Events that the agent acknowledged (PUBACK, PUBREC): these may not be lost.</summary>
    public required long Acknowledged { get; init; }

    /// <summary>Different events that the back end's application was handed.</summary>
    public required long Delivered { get; init; }

    public required long Lost { get; init; }

    public required long Duplicates { get; init; }

    public required long OutOfOrder { get; init; }

    /// <summary>Deliveries beyond the first that machines caused with QoS 1, by sending again what was not acknowledged. No
    /// fault.</summary>
    public required long RepeatedByMachines { get; init; }

    /// <summary>Events delivered that nobody sent, or damaged; telemetry and commands.</summary>
    public required long Unexpected { get; init; }

    public required long OffsetMismatches { get; init; }

    public required long LaneDifferences { get; init; }

    public required long CommandsSent { get; init; }

    public required long CommandsDelivered { get; init; }

    public required long CommandsLost { get; init; }

    public required long CommandDuplicates { get; init; }

    public required long CommandsOutOfOrder { get; init; }

    /// <summary>Commands that were given again with QoS 1, recognised by their places. No fault.</summary>
    public required long CommandsRepeated { get; init; }

    public required long Failures { get; init; }

    /// <summary>Places in lanes beyond one for each event. No fault if each is delivered once.</summary>
    public required long Twins { get; init; }

    /// <summary>Events handed out although an earlier one of their machine had not come in time; counted.</summary>
    public required long OrderReleased { get; init; }

    public required long Reconnects { get; init; }

    /// <summary>From a kill of the agent to the next acknowledgement, machine by machine.</summary>
    public required Percentiles ResumeMilliseconds { get; init; }

    /// <summary>From publish to the back end's application, while nothing was broken.</summary>
    public required Percentiles CalmMilliseconds { get; init; }

    /// <summary>The same of all events.</summary>
    public required Percentiles AllMilliseconds { get; init; }

    public required AgentCosts Agent { get; init; }

    public required IReadOnlyList<StoryRecord> Story { get; init; }

    public required IReadOnlyList<SeriesPoint> Series { get; init; }

    public required IReadOnlyList<ReportedCluster> Clusters { get; init; }

    public required IReadOnlyList<ReportedFinding> Findings { get; init; }

    /// <summary>What the saboteur did, if there was one.</summary>
    public string? SabotageDone { get; init; }

    public required int Seed { get; init; }

    public required ReportedRun Run { get; init; }

    public required RunDurations Durations { get; init; }

    public required ReportedPlatform Platform { get; init; }

    public static GatewayReport Of(GatewayOptions options, Recordings recordings, GatewayStage stage, Judge judge, Verdict verdict,
        Plant plant, Story story, AgentWatch watch, long orderReleased, Percentiles resume, (Percentiles Calm, Percentiles All) latency,
        string? sabotageDone, RunDurations durations) => new()
        {
            Passed = verdict.Passed,
            Acknowledged = verdict.Telemetry.Sent,
            Delivered = verdict.Telemetry.Delivered,
            Lost = verdict.Telemetry.Lost,
            Duplicates = verdict.Telemetry.Duplicates,
            OutOfOrder = verdict.Telemetry.OutOfOrder,
            RepeatedByMachines = verdict.Telemetry.Repeated,
            Unexpected = verdict.Telemetry.Unexpected + verdict.Commands.Unexpected,
            OffsetMismatches = verdict.OffsetMismatches,
            LaneDifferences = verdict.LaneDifferences,
            CommandsSent = verdict.Commands.Sent,
            CommandsDelivered = verdict.Commands.Delivered,
            CommandsLost = verdict.Commands.Lost,
            CommandDuplicates = verdict.Commands.Duplicates,
            CommandsOutOfOrder = verdict.Commands.OutOfOrder,
            CommandsRepeated = verdict.Commands.Repeated,
            Failures = verdict.Failures,
            Twins = verdict.Twins,
            OrderReleased = orderReleased,
            Reconnects = plant.Reconnects,
            ResumeMilliseconds = resume,
            CalmMilliseconds = latency.Calm,
            AllMilliseconds = latency.All,
            Agent = new AgentCosts(Math.Round(watch.PeakMegabytes, 1), Math.Round(stage.Agent.StoreBytes / 1048576.0, 2), watch.PeakWaiting,
                watch.Last.Dropped, stage.Lines.Sum(static l => l.BytesUp), stage.Lines.Sum(static l => l.BytesDown)),
            Story = story.Records,
            Series = watch.Series,
            Clusters = ReportedCluster.Of(judge),
            Findings = ReportedFinding.Of(verdict),
            SabotageDone = sabotageDone,
            Seed = options.Seed,
            Run = new ReportedRun(options.Machines, options.Seconds, options.Rate, plant.Kinds, recordings.Name,
                options.Skip == StoryParts.None ? null : options.Skip.ToString(),
                GatewayOptionsParser.SabotageNames.FirstOrDefault(pair => pair.Value == options.Sabotage).Key),
            Durations = durations,
            Platform = ReportedPlatform.Here,
        };
}
