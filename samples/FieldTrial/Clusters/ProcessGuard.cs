using System.Diagnostics;

namespace FieldTrial;

/// <summary>Ends a child even if this program is itself killed: a shell waits on a pipe that breaks with us, and then kills the
/// child.</summary>
internal sealed class ProcessGuard : IDisposable
{
    private readonly Process? _shell;

    private ProcessGuard(Process? shell) => _shell = shell;

    public static ProcessGuard For(int processId)
    {
        if (OperatingSystem.IsWindows())
        {
            return new ProcessGuard(null);
        }

        ProcessStartInfo info = new("/bin/sh", ["-c", "trap '' INT TERM HUP; read -r _; kill -9 \"$0\" 2>/dev/null", $"{processId}"])
        {
            RedirectStandardInput = true,
            UseShellExecute = false,
        };
        return new ProcessGuard(Process.Start(info));
    }

    /// <summary>Lets the child alone: it has ended, or is about to be ended by us.</summary>
    public void Dispose()
    {
        if (_shell is not null)
        {
            _shell.Kill();
            _shell.WaitForExit();
            _shell.Dispose();
        }
    }
}
