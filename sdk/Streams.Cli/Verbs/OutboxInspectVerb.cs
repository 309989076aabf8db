using System.CommandLine;
using Streams.Client;

namespace Streams.Cli;

/// <summary><c>outbox inspect</c>: what the file holds, counted.</summary>
internal static class OutboxInspectVerb
{
    /// <summary>Makes the command.</summary>
    public static Command Create(CliContext context)
    {
        Argument<string> file = OutboxVerb.FileArgument();
        Option<int> topics = Reading.Option("--topics", "COUNT", "How many topics to name", Reading.Count, static () => 20);
        Command command = new("inspect", "Counts per partition and topic, what was refused, openings, consumers") { file, topics };
        command.SetAction(parsed =>
        {
            using OutboxReading reading = OutboxReading.Open(parsed.GetRequiredValue(file));
            OutboxSummary summary = OutboxCount.Of(reading, parsed.GetValue(topics));
            context.Answer(parsed, InspectAnswer.Of(summary), CliJson.Default.InspectAnswer, answer => Write(context, answer));
            return (int)ExitCode.Done;
        });
        return command;
    }

    private static void Write(CliContext context, InspectAnswer a)
    {
        context.Line($"outbox {a.File}: format {a.Format}, producer {a.Producer ?? "none"}, "
            + (a.InUse ? "in use by a client" : a.ClosedCleanly ? "closed cleanly" : "not closed cleanly"));
        context.Line($"on disk {a.DatabaseBytes + a.JournalBytes + a.IndexBytes} bytes (database {a.DatabaseBytes},"
            + $" journal {a.JournalBytes}, its index {a.IndexBytes})");
        context.Line($"waiting {a.Events} events, counting {a.CountedBytes} bytes"
            + (a.Oldest is { } oldest ? $", the oldest of {oldest:O}" : string.Empty));
        foreach (PartitionAnswer p in a.Partitions)
        {
            context.Line($"  partition {p.Partition}: {p.Events} waiting"
                + (p.Events > 0 ? $" ({p.First} to {p.Last}, {p.CountedBytes} bytes, the oldest of {p.Oldest:O})" : string.Empty)
                + $", next {p.Next}, refused {p.Refused}, "
                + (p.Stand.Count == 0 ? "no cluster has confirmed any" : $"confirmed up to {string.Join(' ', p.Stand)}"));
        }

        foreach (TopicAnswer t in a.Topics)
        {
            context.Line($"  topic {t.Stream}:{t.Topic}: {t.Events} waiting ({t.CountedBytes} bytes, the oldest of {t.Oldest:O})");
        }

        if (a.TopicCount > a.Topics.Count)
        {
            context.Line($"  and {a.TopicCount - a.Topics.Count} topics more");
        }

        foreach (EncryptedAnswer e in a.Encrypted)
        {
            context.Line($"encrypted under key {e.Key}: {e.Events} of those that wait");
        }

        foreach (RefusalAnswer r in a.Refused)
        {
            context.Line($"refused {r.Events} events ({r.CountedBytes} bytes): {r.Reason}");
        }

        foreach (OpeningAnswer o in a.Openings)
        {
            context.Line($"opened {o.At:O}, epoch {o.Epoch}, {o.Events} of its events wait");
        }

        foreach (ConsumerAnswer c in a.Consumers)
        {
            context.Line($"consumer {c.Name} of {c.Stream}: cursors of {c.Partitions} partitions");
        }
    }
}
