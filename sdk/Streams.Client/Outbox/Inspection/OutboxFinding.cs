namespace Streams.Client;

/// <summary>Something in an outbox's file that is not as the format has it.</summary>
/// <param name="Code">What kind of thing, for programs; listed in docs/cli.md.</param>
/// <param name="Place">Table and row.</param>
/// <param name="Message">What is wrong, and what it does.</param>
/// <param name="IsRepairable">Whether <see cref="OutboxRepair"/> mends it without losing anything.</param>
internal sealed record OutboxFinding(string Code, string Place, string Message, bool IsRepairable);

/// <summary>What a verification came to.</summary>
/// <param name="Findings">How many findings there were.</param>
/// <param name="Repairable">How many of them can be repaired.</param>
/// <param name="Events">Events looked at, waiting and refused.</param>
/// <param name="IntegrityChecked">Whether SQLite's own check of all pages ran to its end. In a file that is in use it is given up after a
/// second, so that the client is not held up.</param>
internal sealed record OutboxVerdict(long Findings, long Repairable, long Events, bool IntegrityChecked);
