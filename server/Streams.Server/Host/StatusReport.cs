using System.Text.Json;
using Streams.Gateways;
using Streams.Geo;
using Streams.Storage;

namespace Streams.Server;

/// <summary>What a server tells of itself, at any moment from its start on.</summary>
internal sealed class StatusReport(ServerStart parts)
{
    public StatusAnswer Status() => new(
        parts.Options.Cluster.Value,
        parts.Engine?.Container.Origin is { Cluster.Value.Length: > 0 } origin ? origin.ToString() : null,
        parts.State.Phase.ToString().ToLowerInvariant(),
        parts.State.Phase == ServerPhase.Ready ? null : parts.State.Reason,
        HelpText.Version,
        parts.Time.GetElapsedTime(parts.StartedAt).TotalSeconds,
        parts.Catalog?.Current?.Starts ?? 0,
        Path.GetFullPath(parts.Options.DataDirectory),
        parts.Catalog?.WitnessPath,
        parts.Decision is { } decision ? new IncarnationAnswer(decision.OpensNew, Word(decision.Reason), decision.Detail) : null,
        new EndpointsAnswer(parts.Mqtt?.Address.ToString(), parts.Http?.Address.ToString(), parts.Links?.Endpoint?.ToString()),
        Recovery(),
        parts.Engine is null ? null : Of(parts.Engine.Container.Status()),
        parts.Gateway is null ? null : Of(parts.Gateway.Status));

    public LinksAnswer Links() => parts.Links?.Status is { } status
        ? new LinksAnswer([.. status.Outgoing.Select(Of)], [.. status.Incoming.Select(Of)])
        : new LinksAnswer([], []);

    private RecoveryAnswer? Recovery() => parts.Engine?.Container.Recovery is not { } report ? null : new(
        parts.RecoveryTime.TotalSeconds,
        report.CutBytes,
        report.CutDetail,
        report.RecordsRead,
        report.SegmentsFromIndex,
        report.StateRebuilt,
        [.. report.Unreadable.Select(u => new UnreadableAnswer(u.Segment, u.Offset, u.Bytes, u.Reason))]);

    private static ContainerAnswer Of(ContainerStatus s) => new(
        s.Id.ToString(), s.Bytes, s.Segments, s.Entries, s.Events, s.Lanes, s.Flushes, s.BytesWritten, s.PendingBytes, s.Failed,
        Word(s.Phase), s.Reason.Length == 0 ? null : s.Reason);

    private static GatewayAnswer Of(GatewayStatus s) => new(
        s.Connections, s.Sessions, s.PersistentSessions, s.Subscriptions, s.IsDraining, s.HintedWindow.TotalSeconds);

    private static LinkAnswer Of(LinkStatus s) => new(
        s.Name.Value, Word(s.State), s.Since, s.LastError, s.BytesSent, s.BytesReceived, s.Entries, s.EntriesSpared,
        s.GapEntries, s.LagEvents, s.Lag.TotalSeconds, s.Reconnects);

    private static string Word<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.CamelCase.ConvertName(value.ToString());
}
