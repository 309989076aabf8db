using System.Diagnostics;

namespace Streams.Bench;

/// <summary>This program once more, for what needs a process of its own.</summary>
internal static class Child
{
    public const string Switch = "--child";

    public static Process Start(params string[] arguments)
    {
        ProcessStartInfo start = new(Environment.ProcessPath!) { RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
        {
            start.ArgumentList.Add(typeof(Child).Assembly.Location);
        }

        start.ArgumentList.Add(Switch);
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
    }

    /// <summary>Does what the arguments of such a process say.</summary>
    public static Task<int> RunAsync(string[] args, TextWriter output) => args switch
    {
        [Switch, "load", var folder, var bytes] => OpenRow.LoadAsync(folder, long.Parse(bytes, null), output),
        [Switch, "memory", var folder, var count] => MemoryRow.FillAsync(folder, int.Parse(count, null), output),
        [Switch, "outbox", var path, var publish] => ClientMemoryRow.OpenAsync(path, int.Parse(publish, null), output),
        _ => Task.FromResult(2),
    };
}
