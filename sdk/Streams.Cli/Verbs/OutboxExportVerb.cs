using System.Buffers;
using System.CommandLine;
using Streams.Client;
using Streams.Core;

namespace Streams.Cli;

/// <summary><c>outbox export</c>: the events as JSON lines.</summary>
internal static class OutboxExportVerb
{
    /// <summary>Makes the command.</summary>
    public static Command Create(CliContext context)
    {
        Argument<string> file = OutboxVerb.FileArgument();
        Option<bool> refused = new("--refused") { Description = "The refused events instead of those that wait" };
        Option<string?> keys = OutboxKeys.Option();
        Command command = new("export", "Writes the events as JSON lines, for 'publish --from-export'") { file, refused, keys };
        command.SetAction((parsed, cancellationToken) =>
        {
            using OutboxReading reading = OutboxReading.Open(parsed.GetRequiredValue(file));
            ProducerId? producer = ProducerOf(reading);
            using RowOpener? opener = OutboxKeys.Opener(parsed.GetValue(keys));
            KeptEvents events = new(reading, opener);
            long encrypted = 0;
            ArrayBufferWriter<byte> buffer = new();
            long written = 0;
            long all = reading.Scalar($"SELECT count(*) FROM {(parsed.GetValue(refused) ? "refused" : "events")}");
            using ProgressBar progress = new(context, "exported", () => (Volatile.Read(ref written), all), writes: true);
            foreach (KeptEvent kept in parsed.GetValue(refused) ? events.Refused() : events.Waiting())
            {
                cancellationToken.ThrowIfCancellationRequested();
                context.Line(EventJson.Of(kept, producer, buffer));
                written++;
                encrypted += kept.IsEncrypted ? 1 : 0;
            }

            if (encrypted > 0)
            {
                throw new CliException(ExitCode.Findings, $"{encrypted} events are encrypted, and were written without their content:"
                    + " give the keys with --outbox-keys");
            }

            return Task.FromResult((int)ExitCode.Done);
        });
        return command;
    }

    /// <summary>The producer of a file.</summary>
    public static ProducerId? ProducerOf(OutboxReading reading)
    {
        using Statement select = reading.Prepare("SELECT value FROM meta WHERE key='producer'");
        return select.Step() && select.Blob(0) is { Length: ProducerId.Size } kept ? ProducerId.Read(kept) : null;
    }
}
