using System.CommandLine;
using Streams.Client;

namespace Streams.Cli;

/// <summary>Answer of the API's <c>/health</c>.</summary>
internal sealed record HealthAnswer(string Status, string? Reason);

/// <summary>Of the answer of the API's <c>/api/v1/status</c>.</summary>
internal sealed record ServerStatus(string Cluster, string? Origin, string Status, string? Reason, string Version, double UptimeSeconds);

/// <summary>A line of <c>status</c>.</summary>
internal sealed record StatusLine(string Address, string Kind, bool Reachable, string? Cluster, string? Status, string? Version,
    string? Origin, double? UptimeSeconds, double? Milliseconds, string? Fault);

/// <summary><c>status</c>: who answers, in which state and version.</summary>
internal static class StatusVerb
{
    /// <summary>Makes the command.</summary>
    public static Command Create(CliContext context)
    {
        Option<Uri[]> http = Reading.Options<Uri>("--http", "HOST:PORT", "HTTP API of a cluster; may stand several times",
            ServerHttp.Address);
        Command command = new("status", "Tells which clusters answer, over MQTT (--cluster) and HTTP (--http)") { http };
        ClusterOptions clusters = new(context, command, outbox: false);
        command.SetAction((parsed, cancellationToken) => RunAsync(context, parsed, clusters, parsed.GetValue(http) ?? [],
            cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(CliContext context, ParseResult parsed, ClusterOptions clusters, Uri[] http,
        CancellationToken cancellationToken)
    {
        TimeSpan limit = clusters.Timeout(parsed, TimeSpan.FromSeconds(5));
        bool mqtt = http.Length == 0 || clusters.AreGiven(parsed);
        bool whole = true;
        IEnumerable<Task<StatusLine>> asked =
        [
            .. (mqtt ? clusters.Clusters(parsed) : []).Select(c => OverMqttAsync(context, parsed, clusters, c, limit, cancellationToken)),
            .. http.Select(uri => OverHttpAsync(context, uri, limit, cancellationToken)),
        ];
        foreach (StatusLine line in await Task.WhenAll(asked))
        {
            whole &= line.Reachable;
            context.Answer(parsed, line, CliJson.Default.StatusLine, l => context.Line(l.Reachable
                ? $"{l.Address}  {l.Kind}  {l.Cluster}  {l.Status}" + (l.Version is null ? "" : $"  version {l.Version}  origin {l.Origin}")
                    + $"  {l.Milliseconds:0} ms" + (l.Fault is null ? "" : $"  {l.Fault}")
                : $"{l.Address}  {l.Kind}  unreachable: {l.Fault}"));
        }

        return (int)(whole ? ExitCode.Done : ExitCode.Unreachable);
    }

    private static async Task<StatusLine> OverMqttAsync(CliContext context, ParseResult parsed, ClusterOptions options,
        ClusterEndpoint cluster, TimeSpan limit, CancellationToken cancellationToken)
    {
        string address = $"{cluster.Host}:{cluster.Port}";
        long began = context.Time.GetTimestamp();
        await using OpenClient open = await options.OpenAsync(parsed, o => o with { AnswerTimeout = limit }, clusters: [cluster],
            cancellationToken: cancellationToken);
        try
        {
            await open.ConnectedAsync(limit, cancellationToken);
            return new StatusLine(address, "mqtt", true, cluster.Name.Value, "answers", null, null, null,
                context.Time.GetElapsedTime(began).TotalMilliseconds, null);
        }
        catch (CliException e)
        {
            return new StatusLine(address, "mqtt", false, cluster.Name.Value, null, null, null, null, null, e.Message);
        }
    }

    private static async Task<StatusLine> OverHttpAsync(CliContext context, Uri address, TimeSpan limit,
        CancellationToken cancellationToken)
    {
        long began = context.Time.GetTimestamp();
        using ServerHttp http = new(address, limit);
        try
        {
            HealthAnswer health = await http.GetAnyAsync("health", CliJson.Default.HealthAnswer, cancellationToken);
            double milliseconds = context.Time.GetElapsedTime(began).TotalMilliseconds;
            ServerStatus status = await http.GetAnyAsync("api/v1/status", CliJson.Default.ServerStatus, cancellationToken);
            return new StatusLine(address.Authority, "http", true, status.Cluster, health.Status, status.Version, status.Origin,
                status.UptimeSeconds, milliseconds, health.Reason);
        }
        catch (CliException e)
        {
            return new StatusLine(address.Authority, "http", false, null, null, null, null, null, null, e.Message);
        }
    }
}
