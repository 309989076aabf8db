using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>How a client loses its cluster.</summary>
public enum LineFault
{
    /// <summary>The process is killed and later started again.</summary>
    Killed,

    /// <summary>The process stands still for longer than any client waits, its connections open, and later goes on.</summary>
    Paused,

    /// <summary>Connections are reset and new ones refused.</summary>
    Reset,

    /// <summary>What the cluster says no longer arrives.</summary>
    AnswersLost,

    /// <summary>What the client says no longer arrives.</summary>
    RequestsLost,
}

/// <summary>Brings faults upon San Jose, and mends them.</summary>
internal static class LineFaults
{
    public static Task StrikeAsync(this Ring ring, LineFault fault)
    {
        switch (fault)
        {
            case LineFault.Killed:
                return ring.Sj.KillAsync();
            case LineFault.Paused:
                ring.Sj.Server.Pause();
                return Task.CompletedTask;
            case LineFault.Reset:
                return ring.SjDoor.CutAsync();
            case LineFault.AnswersLost:
                ring.SjDoor.CutOneWay(Direction.ToClient);
                return Task.CompletedTask;
            default:
                ring.SjDoor.CutOneWay(Direction.ToTarget);
                return Task.CompletedTask;
        }
    }

    public static Task MendAsync(this Ring ring, LineFault fault)
    {
        switch (fault)
        {
            case LineFault.Killed:
                return ring.Sj.StartAsync();
            case LineFault.Paused:
                ring.Sj.Server.Resume();
                return Task.CompletedTask;
            default:
                ring.SjDoor.Restore();
                return Task.CompletedTask;
        }
    }
}
