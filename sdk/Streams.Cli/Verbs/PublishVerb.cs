using System.CommandLine;
using System.Text;
using Streams.Client;
using Streams.Core;

namespace Streams.Cli;

/// <summary><c>publish</c>: events through an outbox, into whichever cluster answers.</summary>
internal sealed class PublishVerb
{
    private const int MostUnderWay = 4096;

    private readonly Argument<StreamPath> _stream = Reading.Argument<StreamPath>("STREAM", "The stream, as in /fleet", StreamPath.TryParse);
    private readonly Argument<TopicName> _topic = Reading.Argument<TopicName>("TOPIC", "The topic, as in car-17/telemetry; none with"
        + " --from-export", Topic);

    private readonly Argument<string?> _payload = new("PAYLOAD")
    {
        Description = "The payload; without it and --file, each line of standard input is one",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string?> _file = new("--file") { Description = "A file that is one payload", HelpName = "FILE" };
    private readonly Option<string?> _lines = new("--lines") { Description = "A file of which each line is a payload", HelpName = "FILE" };
    private readonly Option<string?> _export = new("--from-export")
    {
        Description = "Events written by 'outbox export' or 'consume --output json'; - is standard input. They go to STREAM",
        HelpName = "FILE",
    };

    private readonly Option<string?> _key = new("--key") { Description = "The key, which decides the partition", HelpName = "TEXT" };
    private readonly Option<EventHeader[]> _headers = Reading.Options<EventHeader>("--header", "NAME=VALUE",
        "A header; may stand several times", Header);

    private readonly Option<DateTimeOffset?> _timestamp = Reading.Option<DateTimeOffset?>("--timestamp", "TIME",
        "When it happened; else now", Reading.Time);

    private readonly Option<double?> _rate = Reading.Option<double?>("--rate", "NUMBER", "Events per second at most", Rate);
    private readonly Option<int> _count = Reading.Option<int>("--count", "NUMBER",
        "How often PAYLOAD or --file is published, or how many lines at most", Reading.Count);

    private readonly Option<bool> _noWait = new("--no-wait")
    {
        Description = "End when the events are in the outbox, which must be named: they are sent at its next opening",
    };

    private readonly Option<bool> _receipts = new("--receipts") { Description = "Write where each event stands" };
    private readonly CliContext _context;
    private readonly ClusterOptions _clusters;

    private PublishVerb(CliContext context, Command command)
    {
        _context = context;
        _topic.Arity = ArgumentArity.ZeroOrOne;
        foreach (Argument argument in new Argument[] { _stream, _topic, _payload })
        {
            command.Arguments.Add(argument);
        }

        foreach (Option option in new Option[] { _file, _lines, _export, _key, _headers, _timestamp, _rate, _count, _noWait, _receipts })
        {
            command.Options.Add(option);
        }

        _clusters = new ClusterOptions(context, command);
        command.Validators.Add(result =>
        {
            int sources = new Symbol[] { _payload, _file, _lines, _export }.Count(s => s is Argument a
                ? result.GetResult(a)?.Tokens.Count > 0 : result.GetResult((Option)s) is not null);
            bool exported = result.GetResult(_export) is not null;
            bool topic = result.GetResult(_topic)?.Tokens.Count > 0;
            if (sources > 1)
            {
                result.AddError("only one of PAYLOAD, --file, --lines and --from-export can be given");
            }

            if (topic == exported)
            {
                result.AddError(exported ? "--from-export: the topics come from the file, name none"
                    : "TOPIC is missing, as in car-17/telemetry");
            }

            if (result.GetResult(_noWait) is not null && result.GetResult("--outbox") is null)
            {
                result.AddError("--no-wait: name the outbox that is to keep the events, with --outbox FILE");
            }
        });
        command.SetAction(RunAsync);
    }

    /// <summary>Makes the command.</summary>
    public static Command Create(CliContext context)
    {
        Command command = new("publish", "Publishes events; ends when a cluster holds them");
        _ = new PublishVerb(context, command);
        return command;
    }

    private static bool Topic(string? text, out TopicName value, out string? fault)
    {
        bool ok = TopicName.TryParse(text, out value, out fault) && value.Value.Length > 0;
        fault = ok ? null : fault ?? "a topic may not be empty";
        return ok;
    }

    private static bool Rate(string? text, out double? value, out string? fault)
    {
        bool ok = Reading.Rate(text, out double rate, out fault);
        value = ok ? rate : null;
        return ok;
    }

    private static bool Header(string? text, out EventHeader value, out string? fault)
    {
        int equals = text?.IndexOf('=', StringComparison.Ordinal) ?? -1;
        fault = equals > 0 ? null : $"'{text}' must be NAME=VALUE";
        value = equals > 0 ? new EventHeader(text![..equals], Encoding.UTF8.GetBytes(text[(equals + 1)..])) : default;
        return fault is null;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        long began = _context.Time.GetTimestamp();
        bool wait = !parsed.GetValue(_noWait);
        await using OpenClient open = await _clusters.OpenAsync(parsed, wait ? null : static o => o with { CloseWithin = TimeSpan.Zero },
            cancellationToken: cancellationToken);
        TimeSpan limit = _clusters.Timeout(parsed);
        StoredCount stored = new(MostUnderWay, parsed.GetValue(_receipts) ? (r, s, why) => Receipt(parsed, r, s, why) : null);
        long published = 0;
        using (ProgressBar progress = new(_context, "stored", () => (stored.Stored, Volatile.Read(ref published)),
            parsed.GetValue(_receipts)))
        {
            Pace pace = new(parsed.GetValue(_rate), _context.Time);
            await foreach (EventLine line in Input(parsed, cancellationToken))
            {
                await pace.NextAsync(cancellationToken);
                if (wait && !await stored.HasRoomAsync(limit, cancellationToken))
                {
                    throw open.Unreachable($"nothing was stored for {limit.TotalSeconds:0.#} s");
                }

                PublishReceipt receipt = await open.Client.PublishAsync(parsed.GetRequiredValue(_stream), line.Topic, line.Payload,
                    line.Key, line.Headers.Count > 0 ? line.Headers : null, line.Timestamp, cancellationToken: cancellationToken);
                published++;
                if (wait)
                {
                    stored.Follow(receipt);
                }
            }

            if (wait)
            {
                await StoredAllAsync(_context, open, stored, () => published, limit, cancellationToken);
            }
        }

        PublishAnswer answer = new(published, stored.Stored, stored.Refused,
            wait ? published - stored.Stored - stored.Refused : open.Client.OutboxEvents, open.Client.ConnectedTo?.Value,
            open.IsTemporary ? null : open.OutboxPath, _context.Time.GetElapsedTime(began).TotalSeconds);
        lock (_context)
        {
            _context.Answer(parsed, answer, CliJson.Default.PublishAnswer, a => _context.Line(wait
                ? $"published {a.Published}, stored {a.Stored} by {a.Cluster}{(a.Refused > 0 ? $", refused {a.Refused}" : "")}"
                : $"published {a.Published} into {a.Outbox}"));
        }

        return (int)(stored.Refused > 0 ? ExitCode.Findings : ExitCode.Done);
    }

    /// <summary>Waits until all is stored or refused.</summary>
    /// <exception cref="CliException">For so long nothing more was.</exception>
    public static async Task StoredAllAsync(CliContext context, OpenClient open, StoredCount stored, Func<long> published, TimeSpan limit,
        CancellationToken cancellationToken)
    {
        long seen = -1;
        long since = context.Time.GetTimestamp();
        while (stored.Stored + stored.Refused is var done && done < published())
        {
            if (done != seen)
            {
                (seen, since) = (done, context.Time.GetTimestamp());
            }
            else if (context.Time.GetElapsedTime(since) > limit)
            {
                throw open.Unreachable($"{published() - done} of {published()} events are not stored: nothing happened for"
                    + $" {limit.TotalSeconds:0.#} s");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(5), context.Time, cancellationToken);
        }
    }

    private void Receipt(ParseResult parsed, PublishReceipt receipt, StoredEvent? stored, string? why)
    {
        ReceiptAnswer answer = new(receipt.Identity.ToString(), receipt.Partition.ToString(), stored?.Place.Origin.ToString(),
            stored?.Place.Offset.Value, why);
        lock (_context)                                        // receipts come from many threads
        {
            try
            {
                _context.Answer(parsed, answer, CliJson.Default.ReceiptAnswer, a => _context.Line(a.Refused is null
                    ? $"{a.Identity} stands at {a.Partition}@{a.Origin}:{a.Offset}" : $"{a.Identity} was refused: {a.Refused}"));
            }
            catch (BrokenOutputException)
            {
                // Nobody reads the receipts: the events are stored all the same.
            }
        }
    }

    private async IAsyncEnumerable<EventLine> Input(ParseResult parsed,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        int? most = parsed.GetResult(_count) is null ? null : parsed.GetValue(_count);
        byte[] key = parsed.GetValue(_key) is { } text ? Encoding.UTF8.GetBytes(text) : [];
        EventHeader[] headers = parsed.GetValue(_headers) ?? [];
        DateTimeOffset? time = parsed.GetValue(_timestamp);
        byte[]? payload = parsed.GetValue(_payload) is { } given ? Encoding.UTF8.GetBytes(given)
            : parsed.GetValue(_file) is { } file ? await File.ReadAllBytesAsync(file, cancellationToken) : null;
        string? named = parsed.GetValue(_export) ?? parsed.GetValue(_lines);
        await using Stream input = payload is not null ? Stream.Null
            : named is null or "-" ? _context.Terminal.In : new FileStream(named, FileMode.Open, FileAccess.Read);
        IAsyncEnumerable<EventLine> lines = payload is not null ? PublishInput.Repeat(parsed.GetValue(_topic), payload, most ?? 1)
            : parsed.GetValue(_export) is not null ? PublishInput.Exported(input, cancellationToken)
            : PublishInput.Lines(input, parsed.GetValue(_topic), cancellationToken);
        int taken = 0;
        await foreach (EventLine line in lines)
        {
            yield return line with
            {
                Key = key.Length > 0 ? key : line.Key,
                Headers = headers.Length > 0 ? [.. line.Headers, .. headers] : line.Headers,
                Timestamp = time ?? line.Timestamp,
            };
            if (++taken == most)
            {
                yield break;
            }
        }
    }
}
