namespace Streams.Cli;

/// <summary>How a command ended. Stable: scripts depend on the numbers.</summary>
internal enum ExitCode
{
    /// <summary>As asked.</summary>
    Done = 0,

    /// <summary>It ran, and what it found is not as it should be: findings, refused events, an event that is not there.</summary>
    Findings = 1,

    /// <summary>The command line or its input is wrong.</summary>
    Usage = 2,

    /// <summary>No cluster could be reached, or it did not answer in time.</summary>
    Unreachable = 3,

    /// <summary>The outbox is in use by a client.</summary>
    InUse = 4,

    /// <summary>A file is missing, damaged, or the disk refuses.</summary>
    File = 5,

    /// <summary>The cluster refused.</summary>
    Refused = 6,

    /// <summary>A fault of this program.</summary>
    Fault = 70,

    /// <summary>Interrupted by a signal.</summary>
    Interrupted = 130,
}

/// <summary>A command cannot go on: what to say, in one line, and how to end.</summary>
internal sealed class CliException(ExitCode code, string message) : Exception(message)
{
    /// <summary>How the command ends.</summary>
    public ExitCode Code => code;
}
