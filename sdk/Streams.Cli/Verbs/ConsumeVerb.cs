using System.Buffers;
using System.CommandLine;
using System.Globalization;
using System.Text;
using Streams.Client;
using Streams.Core;

namespace Streams.Cli;

/// <summary><c>consume</c>: reads a stream, under a cursor or without one.</summary>
internal sealed class ConsumeVerb
{
    private enum Form
    {
        Text,
        Json,
        Raw,
        Hex,
    }

    private readonly Argument<StreamPath> _stream = Reading.Argument<StreamPath>("STREAM", "The stream, as in /fleet", StreamPath.TryParse);
    private readonly Argument<string[]> _filters = new("FILTER")
    {
        Description = "MQTT filters on the topics, as in car-17/# or +/speed; none is all",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private readonly Option<ConsumerName> _consumer = Reading.Option<ConsumerName>("--consumer", "NAME",
        "Read under this cursor; else from --from on, and nothing is kept", ConsumerName.TryParse);

    private readonly Option<StartPosition> _from = Reading.Option<StartPosition>("--from", "earliest|latest",
        "Where to begin without a cursor", Position, static () => StartPosition.Earliest);

    private readonly Option<int> _count = Reading.Option<int>("--count", "NUMBER", "End after so many events", Reading.Count);
    private readonly Option<bool> _follow = new("--follow") { Description = "Do not end when nothing more comes" };
    private readonly Option<TimeSpan> _idle = Reading.Option("--idle", "DURATION", "Without --follow, end when nothing came for so long",
        Reading.Duration, static () => TimeSpan.FromSeconds(2));

    private readonly Option<bool> _ack = new("--ack") { Description = "Acknowledge: the cursor moves. Needs --consumer" };
    private readonly Option<Form> _output = Reading.Option<Form>("--output", "text|json|raw|hex", "Form of an event", FormOf,
        static () => Form.Text);
    private readonly CliContext _context;
    private readonly ClusterOptions _clusters;

    private ConsumeVerb(CliContext context, Command command)
    {
        _context = context;
        command.Arguments.Add(_stream);
        command.Arguments.Add(_filters);
        foreach (Option option in new Option[] { _consumer, _from, _count, _follow, _idle, _ack, _output })
        {
            command.Options.Add(option);
        }

        _clusters = new ClusterOptions(context, command);
        command.Validators.Add(result =>
        {
            if (result.GetResult(_ack) is not null && result.GetResult(_consumer) is null)
            {
                result.AddError("--ack: name the cursor that is to move, with --consumer NAME");
            }
        });
        command.SetAction(RunAsync);
    }

    /// <summary>Makes the command.</summary>
    public static Command Create(CliContext context)
    {
        Command command = new("consume", "Reads the events of a stream");
        _ = new ConsumeVerb(context, command);
        return command;
    }

    private static bool Position(string? text, out StartPosition value, out string? fault)
    {
        value = text == "latest" ? StartPosition.Latest : StartPosition.Earliest;
        fault = text is "earliest" or "latest" ? null : $"'{text}' must be earliest or latest";
        return fault is null;
    }

    private static bool FormOf(string? text, out Form value, out string? fault)
    {
        bool ok = text is "text" or "json" or "raw" or "hex" & Enum.TryParse(text, ignoreCase: true, out value);
        fault = ok ? null : $"'{text}' must be text, json, raw or hex";
        return ok;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        ConsumerName name = parsed.GetResult(_consumer) is null
            ? ConsumerName.Parse($"streams-cli-{_context.Chance.NextInt64():x16}") : parsed.GetValue(_consumer);
        await using OpenClient open = await _clusters.OpenAsync(parsed, cancellationToken: cancellationToken);
        await using StreamsConsumer consumer = await open.Client.ConsumeAsync(new ConsumerOptions
        {
            Name = name,
            Stream = parsed.GetRequiredValue(_stream),
            Filters = parsed.GetValue(_filters) ?? [],
            Start = parsed.GetValue(_from),
        }, cancellationToken);
        await open.ConnectedAsync(_clusters.Timeout(parsed), cancellationToken);
        try
        {
            await ReadAsync(parsed, consumer, cancellationToken);
        }
        catch (InvalidRequestException e)
        {
            throw new CliException(ExitCode.Refused, e.Message);
        }

        cancellationToken.ThrowIfCancellationRequested();
        return (int)ExitCode.Done;
    }

    private async Task ReadAsync(ParseResult parsed, StreamsConsumer consumer, CancellationToken cancellationToken)
    {
        using CancellationTokenSource ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using ITimer timer = _context.Time.CreateTimer(_ => ended.Cancel(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        TimeSpan idle = parsed.GetValue(_follow) ? Timeout.InfiniteTimeSpan : parsed.GetValue(_idle);
        Form form = parsed.GetValue(_context.Json) ? Form.Json : parsed.GetValue(_output);
        int? most = parsed.GetResult(_count) is null ? null : parsed.GetValue(_count);
        bool acknowledge = parsed.GetValue(_ack);
        ArrayBufferWriter<byte> buffer = new();
        long given = 0;
        using ProgressBar progress = new(_context, "consumed", () => (Volatile.Read(ref given), most), writes: true);
        timer.Change(idle, Timeout.InfiniteTimeSpan);
        await using IAsyncEnumerator<ReceivedEvent> events = consumer.ReadAllAsync(ended.Token).GetAsyncEnumerator(CancellationToken.None);
        while (true)
        {
            ValueTask<bool> next = events.MoveNextAsync();
            if (!next.IsCompleted)
            {
                _context.Flush();                              // what was read is seen while the next is waited for
            }

            if (!await next)
            {
                return;
            }

            Write(events.Current, form, buffer);
            if (acknowledge)
            {
                _context.Flush();                              // only what was handed on is done with
                events.Current.Acknowledge();
            }

            if (++given == most)
            {
                return;
            }

            timer.Change(idle, Timeout.InfiniteTimeSpan);
        }
    }

    private void Write(ReceivedEvent e, Form form, ArrayBufferWriter<byte> buffer)
    {
        switch (form)
        {
            case Form.Json:
                _context.Line(EventJson.Of(e, buffer));
                break;
            case Form.Raw:
                _context.Line(e.Payload.Span);
                break;
            case Form.Hex:
                _context.Line(Convert.ToHexStringLower(e.Payload.Span));
                break;
            default:
                string key = e.Key.IsEmpty ? string.Empty : $" key={Shown(e.Key.Span)}";
                string headers = string.Concat(e.Headers.Select(static h => $" {h.Name}={Shown(h.Value.Span)}"));
                string time = e.Timestamp.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
                _context.Line($"{time} {e.Stream}#{e.Partition}@{e.Place} {e.Topic}{key}{headers} {Shown(e.Payload.Span)}");
                break;
        }
    }

    private static string Shown(ReadOnlySpan<byte> bytes) => EventJson.IsText(bytes) && !bytes.Contains((byte)'\n')
        ? Encoding.UTF8.GetString(bytes) : $"0x{Convert.ToHexStringLower(bytes)}";
}
