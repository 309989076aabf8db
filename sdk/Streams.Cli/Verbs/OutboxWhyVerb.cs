using System.CommandLine;
using Streams.Client;

namespace Streams.Cli;

/// <summary><c>outbox why</c>: why is this event still here?</summary>
internal static class OutboxWhyVerb
{
    /// <summary>Makes the command.</summary>
    public static Command Create(CliContext context)
    {
        Argument<string> file = OutboxVerb.FileArgument();
        Argument<EventName> name = Reading.Argument<EventName>("EVENT",
            "STREAM#PARTITION:SEQUENCE as in /fleet#3:17, an identity PRODUCER/EPOCH:SEQUENCE, or the number of a row", Name);
        Command command = new("why", "Tells why an event is still in the outbox, or what became of it") { file, name };
        command.SetAction(parsed =>
        {
            using OutboxReading reading = OutboxReading.Open(parsed.GetRequiredValue(file));
            IReadOnlyList<WhyFacts> facts = OutboxWhy.Ask(reading, parsed.GetValue(name));
            foreach (WhyFacts f in facts)
            {
                context.Answer(parsed, WhyAnswer.Of(f), CliJson.Default.WhyAnswer, a => Write(context, a));
            }

            return (int)(facts.All(static f => f.State is EventState.Waiting or EventState.Confirmed) ? ExitCode.Done : ExitCode.Findings);
        });
        return command;
    }

    private static bool Name(string? text, out EventName value, out string? fault)
    {
        bool ok = EventName.TryParse(text ?? string.Empty, out value);
        fault = ok ? null : $"'{text}' names no event: write /fleet#3:17, PRODUCER/EPOCH:17, or the number of a row";
        return ok;
    }

    private static void Write(CliContext context, WhyAnswer a)
    {
        context.Line($"{a.Event}: {a.State}"
            + (a.Timestamp is { } at ? $" (topic {a.Topic}, {a.PayloadBytes} bytes, of {at:O}, identity {a.Identity})" : string.Empty));
        foreach (string reason in a.Reasons)
        {
            context.Line($"  {reason}");
        }
    }
}
