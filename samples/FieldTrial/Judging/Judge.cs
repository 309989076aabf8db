using Streams.Core;

namespace FieldTrial;

/// <summary>Decides from recorded facts alone whether a run kept the promises. It knows no cluster and no client; everything it knows it
/// was told.</summary>
internal sealed class Judge
{
    /// <param name="devices">Their names.</param>
    /// <param name="clusters">Their names.</param>
    /// <param name="telemetry">The stream to which devices publish.</param>
    /// <param name="commands">The stream from which they take commands.</param>
    /// <param name="hasReceipts">Whether devices are told when a cluster has their events; those of plain MQTT are not.</param>
    public Judge(IReadOnlyList<string> devices, IReadOnlyList<string> clusters, StreamPath telemetry, StreamPath commands,
        bool hasReceipts = true)
    {
        TelemetryStream = telemetry;
        CommandStream = commands;
        Telemetry = new Ledger("telemetry", devices, Lanes, Findings, hasReceipts);
        Commands = new Ledger("command", devices, Lanes, Findings);
        Audit = new LaneAudit(Lanes, clusters, Findings);
    }

    public StreamPath TelemetryStream { get; }

    public StreamPath CommandStream { get; }

    public Findings Findings { get; } = new();

    public LaneTable Lanes { get; } = new();

    public Ledger Telemetry { get; }

    public Ledger Commands { get; }

    public LaneAudit Audit { get; }

    /// <summary>Something that should never fail did; the run cannot pass any more.</summary>
    public void Fail(string what) => Findings.Add(FaultKind.Failure, what);

    /// <summary>Closes the books. To be called once, when everything has drained and the lanes have been read.</summary>
    public Verdict Decide()
    {
        LedgerTotals telemetry = Telemetry.Close();
        LedgerTotals commands = Commands.Close();
        Audit.Close(new Dictionary<string, Ledger> { [TelemetryStream.Value] = Telemetry, [CommandStream.Value] = Commands });
        long twins = Math.Max(0, Audit.Events - telemetry.Sent - telemetry.Repeated - commands.Sent);
        return new Verdict(telemetry, commands, Audit.Mismatches, Audit.Differences, Findings.Count(FaultKind.Failure), twins,
            Findings.Kept);
    }
}

/// <summary>The judgement.</summary>
/// <param name="Telemetry">Devices to back end.</param>
/// <param name="Commands">Back end to devices.</param>
/// <param name="OffsetMismatches">Offsets that name different events, in two clusters or to a client.</param>
/// <param name="LaneDifferences">Lanes that a cluster misses, or has less of.</param>
/// <param name="Failures">Clients that failed, waits that ran out, clusters that did not come back.</param>
/// <param name="Twins">Places in lanes beyond one for each event: resent, and stored twice. No fault if each is delivered once.</param>
/// <param name="Findings">The first faults of each kind, by name.</param>
internal sealed record Verdict(LedgerTotals Telemetry, LedgerTotals Commands, long OffsetMismatches, long LaneDifferences, long Failures,
    long Twins, IReadOnlyList<Finding> Findings)
{
    /// <summary>Everything sent was delivered, once, in order, and every offset means the same everywhere.</summary>
    public bool Passed => Telemetry.IsClean && Commands.IsClean && OffsetMismatches == 0 && LaneDifferences == 0 && Failures == 0;
}
