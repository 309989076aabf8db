using System.CommandLine;
using Streams.Client;

namespace Streams.Cli;

/// <summary><c>outbox verify</c>: is the file what its format says?</summary>
internal static class OutboxVerifyVerb
{
    /// <summary>Makes the command.</summary>
    public static Command Create(CliContext context)
    {
        Argument<string> file = OutboxVerb.FileArgument();
        Option<int> most = Reading.Option("--max", "COUNT", "Findings to name; all are counted", Reading.Count, static () => 1000);
        Command command = new("verify", "Holds every page and every row against the format") { file, most };
        command.SetAction((parsed, cancellationToken) =>
        {
            string path = parsed.GetRequiredValue(file);
            List<FindingAnswer> told = [];
            OutboxVerdict verdict;
            try
            {
                using OutboxReading reading = OutboxReading.Open(path);
                verdict = OutboxVerifier.Verify(reading, finding => Add(told, finding, parsed.GetValue(most)), context.Time,
                    cancellationToken);
            }
            catch (DamagedOutboxException e)
            {
                Add(told, new OutboxFinding("file-damaged", "file", e.Message, true), parsed.GetValue(most));
                verdict = new OutboxVerdict(1, 1, 0, false);
            }

            VerifyAnswer answer = new(path, verdict.Findings, verdict.Repairable, verdict.Events, verdict.IntegrityChecked, told);
            context.Answer(parsed, answer, CliJson.Default.VerifyAnswer, a => Write(context, a));
            return Task.FromResult((int)(verdict.Findings == 0 ? ExitCode.Done : ExitCode.Findings));
        });
        return command;
    }

    private static void Add(List<FindingAnswer> told, OutboxFinding finding, int most)
    {
        if (told.Count < most)
        {
            told.Add(new FindingAnswer(finding.Code, finding.Place, finding.Message, finding.IsRepairable));
        }
    }

    private static void Write(CliContext context, VerifyAnswer a)
    {
        foreach (FindingAnswer f in a.Told)
        {
            context.Line($"{f.Code}: {f.Place}: {f.Message}{(f.Repairable ? " [repairable]" : "")}");
        }

        if (!a.IntegrityChecked)
        {
            context.Line("note: SQLite's check of all pages was not finished: the running client is not to be held up, or the file is"
                + " damaged");
        }

        context.Line($"{a.Findings} findings, {a.Repairable} of them repairable; {a.Events} events looked at");
    }
}
