using System.CommandLine;

namespace Streams.Cli;

/// <summary>The verbs that look into an outbox's file, without any network.</summary>
internal static class OutboxVerb
{
    /// <summary>Makes the command.</summary>
    public static Command Create(CliContext context)
    {
        Command command = new("outbox", "Looks into a device's outbox, without any network; only repair, send and refused change it");
        command.Subcommands.Add(OutboxInspectVerb.Create(context));
        command.Subcommands.Add(OutboxVerifyVerb.Create(context));
        command.Subcommands.Add(OutboxRepairVerb.Create(context));
        command.Subcommands.Add(OutboxExportVerb.Create(context));
        command.Subcommands.Add(OutboxWhyVerb.Create(context));
        command.Subcommands.Add(OutboxRefusedVerb.Create(context));
        command.Subcommands.Add(OutboxSendVerb.Create(context));
        return command;
    }

    /// <summary>The argument that names the file.</summary>
    public static Argument<string> FileArgument() => new("FILE") { Description = "The outbox's file" };
}
