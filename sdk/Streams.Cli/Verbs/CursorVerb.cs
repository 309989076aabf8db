using System.CommandLine;
using System.Globalization;
using Streams.Core;

namespace Streams.Cli;

/// <summary>Answer of the API's <c>/api/v1/cursors</c>, and of <c>cursor show --json</c>.</summary>
internal sealed record CursorsAnswer(string Consumer, string Stream, IReadOnlyList<CursorAnswer> Cursors);

/// <summary>Where a consumer is in one partition.</summary>
internal sealed record CursorAnswer(int Partition, long Generation, string? RewoundAt, IReadOnlyList<PositionAnswer> Positions,
    IReadOnlyList<JumpAnswer> Jumps);

/// <summary>Where a consumer is in one lane.</summary>
internal sealed record PositionAnswer(string Origin, long Offset);

/// <summary>Offsets stepped over because they were gone.</summary>
internal sealed record JumpAnswer(string Origin, long From, long To);

/// <summary><c>cursor</c>: where consumers are, over a cluster's HTTP API.</summary>
internal static class CursorVerb
{
    /// <summary>Makes the command.</summary>
    public static Command Create(CliContext context)
    {
        Command command = new("cursor", "Shows and moves the cursors of consumers");
        command.Subcommands.Add(Show(context));
        command.Subcommands.Add(Move(context));
        return command;
    }

    private static Command Show(CliContext context)
    {
        CursorOptions options = new("show", "Tells where a consumer is in each partition");
        options.Command.SetAction((parsed, cancellationToken) => options.AskAsync(context, parsed, static (http, path, token) =>
            http.GetAsync(path, CliJson.Default.CursorsAnswer, token), string.Empty, cancellationToken));
        return options.Command;
    }

    private static Command Move(CliContext context)
    {
        CursorOptions options = new("move", "Moves a consumer, back or forth: a new generation, which wins in every cluster (rule R11)");
        Option<string> to = Reading.Option<string>("--to", "earliest|latest|TIME|OFFSET",
            "The first event kept, behind the last one, what was stored then or later, or an offset (with --partition and --origin)", To);
        to.Required = true;
        Option<int?> partition = new("--partition") { Description = "Only this partition", HelpName = "NUMBER" };
        Option<string?> origin = new("--origin") { Description = "The lane of an offset", HelpName = "CLUSTER.INCARNATION" };
        options.Command.Options.Add(to);
        options.Command.Options.Add(partition);
        options.Command.Options.Add(origin);
        options.Command.Validators.Add(result =>
        {
            bool offset = result.GetResult(to)?.Tokens is [{ Value: var text }]
                && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out _);
            if (offset != (result.GetResult(origin) is not null) || (offset && result.GetResult(partition) is null))
            {
                result.AddError("--to OFFSET needs --partition and --origin, which have no use else");
            }
        });
        options.Command.SetAction((parsed, cancellationToken) => options.AskAsync(context, parsed, static (http, path, token) =>
            http.PostAsync(path, CliJson.Default.CursorsAnswer, token), Query(parsed.GetRequiredValue(to), parsed.GetValue(partition),
                parsed.GetValue(origin)), cancellationToken));
        return options.Command;
    }

    private static string Query(string to, int? partition, string? origin) =>
        $"&to={Uri.EscapeDataString(to)}"
        + (partition is { } number ? $"&partition={number}" : string.Empty)
        + (origin is null ? string.Empty : $"&origin={Uri.EscapeDataString(origin)}");

    private static bool To(string? text, out string value, out string? fault)
    {
        value = text ?? string.Empty;
        fault = text is "earliest" or "latest" || long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out _) ? null
            : Reading.Time(text, out DateTimeOffset? time, out _) ? null : $"'{text}' must be earliest, latest, a time or an offset";
        if (fault is null && text is not ("earliest" or "latest") && Reading.Time(text, out DateTimeOffset? moment, out _)
            && !long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out _))
        {
            value = moment!.Value.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture);
        }

        return fault is null;
    }

    /// <summary>What both verbs are given.</summary>
    private sealed class CursorOptions
    {
        private readonly Argument<ConsumerName> _consumer =
            Reading.Argument<ConsumerName>("CONSUMER", "The consumer's name", ConsumerName.TryParse);

        private readonly Argument<StreamPath> _stream = Reading.Argument<StreamPath>("STREAM", "The stream", StreamPath.TryParse);
        private readonly Option<Uri> _http = Reading.Option<Uri>("--http", "HOST:PORT", "HTTP API of the cluster", ServerHttp.Address);
        private readonly Option<TimeSpan> _timeout = Reading.Option("--timeout", "DURATION", "How long to wait for the answer",
            Reading.Duration, static () => TimeSpan.FromSeconds(30));

        public CursorOptions(string name, string description)
        {
            _http.Required = true;
            Command = new Command(name, description) { _consumer, _stream, _http, _timeout };
        }

        public Command Command { get; }

        public async Task<int> AskAsync(CliContext context, ParseResult parsed,
            Func<ServerHttp, string, CancellationToken, Task<CursorsAnswer>> ask, string query, CancellationToken cancellationToken)
        {
            using ServerHttp http = new(parsed.GetRequiredValue(_http), parsed.GetValue(_timeout));
            string path = $"api/v1/cursors?consumer={Uri.EscapeDataString(parsed.GetRequiredValue(_consumer).Value)}"
                + $"&stream={Uri.EscapeDataString(parsed.GetRequiredValue(_stream).Value)}{query}";
            CursorsAnswer answer = await ask(http, path, cancellationToken);
            context.Answer(parsed, answer, CliJson.Default.CursorsAnswer, a => Write(context, a));
            return (int)ExitCode.Done;
        }

        private static void Write(CliContext context, CursorsAnswer answer)
        {
            foreach (CursorAnswer cursor in answer.Cursors)
            {
                string positions = cursor.Positions.Count == 0 ? "at the beginning"
                    : string.Join("  ", cursor.Positions.Select(static p => $"{p.Origin}:{p.Offset}"));
                string generation = cursor.Generation == 0 ? string.Empty
                    : $"  (moved {cursor.Generation} times, last at {cursor.RewoundAt})";
                string jumps = cursor.Jumps.Count == 0 ? string.Empty
                    : $"  stepped over {cursor.Jumps.Sum(static j => j.To - j.From)} events";
                context.Line($"{answer.Stream}#{cursor.Partition}  {positions}{generation}{jumps}");
            }
        }
    }
}
