using System.Buffers;
using System.CommandLine;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Streams.Client;
using Streams.Core;

namespace Streams.Cli;

/// <summary><c>outbox refused</c>: the events that clusters refused for good.</summary>
internal static class OutboxRefusedVerb
{
    /// <summary>Makes the command.</summary>
    public static Command Create(CliContext context)
    {
        Command command = new("refused", "The events that clusters refused for good");
        Argument<string> file = OutboxVerb.FileArgument();
        Option<string?> keys = OutboxKeys.Option();
        Command list = new("list", "Names them, with the reasons") { file, keys };
        list.SetAction(parsed => List(context, parsed, parsed.GetRequiredValue(file), parsed.GetValue(keys)));
        command.Subcommands.Add(list);
        command.Subcommands.Add(Change(context, "retry", "Publishes them once more, as new events behind all others of their partition",
            RetryAsync));
        command.Subcommands.Add(Change(context, "discard", "Deletes them for good", DiscardAsync));
        return command;
    }

    private static Command Change(CliContext context, string name, string description,
        Func<RefusedEvents, long, CancellationToken, Task<RefusedDone>> change)
    {
        Argument<string> file = OutboxVerb.FileArgument();
        Argument<long[]> rows = new("ROW") { Description = "Rows of 'refused list'", Arity = ArgumentArity.ZeroOrMore };
        Option<bool> all = new("--all") { Description = "All of them" };
        Option<string?> keys = OutboxKeys.Option();
        Command command = new(name, description) { file, rows, all, keys };
        command.Validators.Add(result =>
        {
            if ((result.GetResult(rows)?.Tokens.Count ?? 0) > 0 == result.GetResult(all) is not null)
            {
                result.AddError("name rows, or --all, and not both");
            }
        });
        command.SetAction((parsed, cancellationToken) =>
            ChangeAsync(context, parsed, parsed.GetRequiredValue(file), parsed.GetValue(rows) ?? [], OutboxKeys.Read(parsed.GetValue(keys)),
                change, cancellationToken));
        return command;
    }

    private static async Task<int> ChangeAsync(CliContext context, ParseResult parsed, string path, long[] rows,
        OutboxEncryption? encryption, Func<RefusedEvents, long, CancellationToken, Task<RefusedDone>> change,
        CancellationToken cancellationToken)
    {
        if (!File.Exists(path))
        {
            throw new CliException(ExitCode.File, $"outbox {path}: there is no such file");
        }

        OutboxFiles.CheckUsable(path);
        bool whole = true;

        // Without a cluster nothing leaves the file: its cap must not be what a retry waits for.
        long cap = Math.Max(256L << 20, 2 * new FileInfo(path).Length);
        await using EventOutbox outbox = EventOutbox.Open(path, cap, context.Time, context.Chance, NullLogger.Instance,
            encryption: encryption);
        RefusedEvents refused = new([outbox]);
        if (rows.Length == 0)
        {
            List<long> all = [];
            await foreach (RefusedEvent e in refused.ListAsync(cancellationToken))
            {
                all.Add(e.Id);
            }

            rows = [.. all];
        }

        foreach (long row in rows)
        {
            RefusedDone done = await change(refused, row, cancellationToken);
            whole &= done.Fault is null;
            context.Answer(parsed, done, CliJson.Default.RefusedDone, d => context.Line($"{d.Row}: {d.Done}"
                + (d.Identity is null ? string.Empty : $" as {d.Identity}") + (d.Fault is null ? string.Empty : $": {d.Fault}")));
        }

        return (int)(whole ? ExitCode.Done : ExitCode.Findings);
    }

    private static async Task<RefusedDone> RetryAsync(RefusedEvents refused, long row, CancellationToken cancellationToken)
    {
        try
        {
            return await refused.RetryAsync(row, cancellationToken) is { } receipt
                ? new RefusedDone(row, "waits again", receipt.Identity.ToString(), null)
                : new RefusedDone(row, "left", null, "no such event is refused");
        }
        catch (InvalidRequestException e)
        {
            return new RefusedDone(row, "left", null, e.Message);
        }
    }

    private static async Task<RefusedDone> DiscardAsync(RefusedEvents refused, long row, CancellationToken cancellationToken) =>
        await refused.DiscardAsync(row, cancellationToken) ? new RefusedDone(row, "discarded", null, null)
            : new RefusedDone(row, "left", null, "no such event is refused");

    private static string Size(KeptEvent e) => e.IsEncrypted ? "encrypted"
        : string.Create(CultureInfo.InvariantCulture, $"{e.Content.Payload.Length} bytes");

    private static int List(CliContext context, ParseResult parsed, string path, string? keys)
    {
        using RowOpener? opener = OutboxKeys.Opener(keys);
        using OutboxReading reading = OutboxReading.Open(path);
        ProducerId? producer = OutboxExportVerb.ProducerOf(reading);
        ArrayBufferWriter<byte> buffer = new();
        foreach (KeptEvent e in new KeptEvents(reading, opener).Refused())
        {
            if (parsed.GetValue(context.Json))
            {
                context.Line(EventJson.Of(e, producer, buffer));
            }
            else
            {
                context.Line(string.Create(CultureInfo.InvariantCulture,
                    $"{e.Id}  {e.Name}  {Encoding.UTF8.GetString(e.Topic)}  {Size(e)}  {e.Timestamp:O}  {e.Reason}"));
            }
        }

        return (int)ExitCode.Done;
    }
}
