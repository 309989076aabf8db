using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using Streams.Client;
using Streams.Core;

namespace Streams.Cli;

/// <summary>The command line: takes it apart, runs the verb, and turns every fault into one line and an exit code.</summary>
internal static class CliProgram
{
    /// <summary>Runs a command line.</summary>
    public static async Task<ExitCode> RunAsync(IReadOnlyList<string> arguments, CliTerminal terminal, CancellationToken cancellationToken)
    {
        ExitCode code = await EndAsync(arguments, terminal, cancellationToken);
        try
        {
            await terminal.Out.FlushAsync(CancellationToken.None);
        }
        catch (IOException)
        {
            // Nobody reads any more, as behind `| head`: there is nothing to be told.
        }

        await terminal.Error.FlushAsync(CancellationToken.None);
        return code;
    }

    private static async Task<ExitCode> EndAsync(IReadOnlyList<string> arguments, CliTerminal terminal, CancellationToken cancellationToken)
    {
        CliContext context = new(terminal, TimeProvider.System, new Random());
        try
        {
            ParseResult parsed = Root(context).Parse(arguments);
            if (parsed.Errors.Count > 0)
            {
                foreach (string fault in parsed.Errors.Select(static e => e.Message.ReplaceLineEndings(" ")).Distinct())
                {
                    await terminal.Error.WriteLineAsync($"streams: {fault}");
                }

                await terminal.Error.WriteLineAsync($"streams: see 'streams {PathOf(parsed.CommandResult)}--help'");
                return ExitCode.Usage;
            }

            using StreamWriter text = new(terminal.Out, leaveOpen: true) { NewLine = "\n" };
            return (ExitCode)await parsed.InvokeAsync(new InvocationConfiguration
            {
                Output = text,
                Error = terminal.Error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
            }, cancellationToken);
        }
        catch (BrokenOutputException)
        {
            return ExitCode.Done;
        }
        catch (Exception fault)
        {
            (ExitCode code, string message) = Told(fault, cancellationToken);
            foreach (string line in message.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                await terminal.Error.WriteLineAsync($"streams: {line.TrimEnd()}");
            }

            return code;
        }
    }

    private static (ExitCode Code, string Message) Told(Exception fault, CancellationToken cancellationToken) => fault switch
    {
        CliException known => (known.Code, known.Message),
        OperationCanceledException when cancellationToken.IsCancellationRequested => (ExitCode.Interrupted, "interrupted"),
        StorageFailedException or DamagedOutboxException => (ExitCode.File, fault.Message),
        TryAgainException => (ExitCode.Unreachable, fault.Message),
        ConfigurationException or InvalidRequestException => (ExitCode.Usage, fault.Message),
        IOException or UnauthorizedAccessException => (ExitCode.File, fault.Message),
        _ => (ExitCode.Fault, $"unexpected fault, please report it: {fault.GetType().Name}: {fault.Message.ReplaceLineEndings(" ")}"),
    };

    private static Command Root(CliContext context)
    {
        // Not the RootCommand of the library, which takes its name from the program's file.
        Command root = new("streams", "Publishes and consumes events, looks into a device's outbox, moves cursors, measures.");
        root.Options.Add(new HelpOption());
        root.Options.Add(new VersionOption());
        root.Options.Add(context.Json);
        root.Subcommands.Add(PublishVerb.Create(context));
        root.Subcommands.Add(ConsumeVerb.Create(context));
        root.Subcommands.Add(OutboxVerb.Create(context));
        root.Subcommands.Add(CursorVerb.Create(context));
        root.Subcommands.Add(BenchVerb.Create(context));
        root.Subcommands.Add(StatusVerb.Create(context));
        return root;
    }

    private static string PathOf(CommandResult command)
    {
        string path = string.Empty;
        for (SymbolResult? at = command; at is CommandResult { Parent: not null } c; at = at.Parent)
        {
            path = $"{c.Command.Name} {path}";
        }

        return path;
    }
}
