using System.CommandLine;
using Microsoft.Extensions.Logging.Abstractions;
using Streams.Client;

namespace Streams.Cli;

/// <summary><c>outbox repair</c>: mends what can be mended without losing an event, and saves what can be read of a damaged
/// file.</summary>
internal static class OutboxRepairVerb
{
    /// <summary>Makes the command.</summary>
    public static Command Create(CliContext context)
    {
        Argument<string> file = OutboxVerb.FileArgument();
        Command command = new("repair",
            "Mends what can be mended, and saves what can be read of a damaged file; the file as it was is kept")
        {
            file,
        };
        command.SetAction((parsed, cancellationToken) =>
        {
            string path = parsed.GetRequiredValue(file);
            OutboxFiles.CheckFree(path);
            (string copy, IReadOnlyList<string> done) = OutboxRepair.Run(path, context.Time, context.Chance, NullLogger.Instance);
            using OutboxReading reading = OutboxReading.Open(path);
            List<FindingAnswer> left = [];
            OutboxVerdict verdict = OutboxVerifier.Verify(reading, f =>
            {
                if (left.Count < 1000)
                {
                    left.Add(new FindingAnswer(f.Code, f.Place, f.Message, f.IsRepairable));
                }
            }, context.Time, cancellationToken);
            context.Answer(parsed, new RepairAnswer(path, copy, done, verdict.Findings, left), CliJson.Default.RepairAnswer,
                a => Write(context, a));
            return Task.FromResult((int)(verdict.Findings == 0 ? ExitCode.Done : ExitCode.Findings));
        });
        return command;
    }

    private static void Write(CliContext context, RepairAnswer a)
    {
        context.Line($"the file as it was is kept as {a.Copy}");
        foreach (string line in a.Done.DefaultIfEmpty("nothing was to be repaired"))
        {
            context.Line(line);
        }

        foreach (FindingAnswer f in a.Left)
        {
            context.Line($"left: {f.Code}: {f.Place}: {f.Message}");
        }

        context.Line($"{a.Findings} findings are left");
    }
}
