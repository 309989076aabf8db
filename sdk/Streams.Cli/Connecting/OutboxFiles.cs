using Streams.Client;
using Streams.Core;

namespace Streams.Cli;

/// <summary>Looks at an outbox's file before a client is let on it: a client would save what can be read of a damaged one into
/// a new file, which is not what was asked for.</summary>
internal static class OutboxFiles
{
    /// <summary>Checks that nobody has the file, and that it is sound when it is there.</summary>
    /// <exception cref="CliException">It is in use, or damaged.</exception>
    public static void CheckUsable(string path)
    {
        CheckFree(path);
        if (!File.Exists(path))
        {
            return;
        }

        try
        {
            using OutboxReading reading = OutboxReading.Open(path);
            using Statement check = reading.Prepare("PRAGMA quick_check(1)");
            if (check.Step() && check.Text(0) != "ok")
            {
                throw new DamagedOutboxException(check.Text(0));
            }
        }
        catch (DamagedOutboxException e)
        {
            throw new CliException(ExitCode.File, $"outbox {path} is damaged: {e.Message}; 'streams outbox verify' tells more,"
                + " 'streams outbox repair' saves what can be read");
        }
    }

    /// <summary>Checks that nobody has the file.</summary>
    /// <exception cref="CliException">Somebody has.</exception>
    public static void CheckFree(string path)
    {
        if (OutboxLock.IsHeld(path))
        {
            throw new CliException(ExitCode.InUse, $"outbox {path} is in use by a running client: stop it first");
        }
    }
}
