using Streams.Testing;

namespace Streams.Faults;

/// <summary>A process of the fault table, device or reader. What it tells goes into the file of its <see cref="DeviceLog"/>, past this
/// process: it is all there, however it ends.</summary>
internal sealed class TableProcess : IAsyncDisposable
{
    /// <summary>Of what the runtime does on its own, as little as possible meets the injected faults.</summary>
    private static readonly Dictionary<string, string?> Quiet = new()
    {
        ["DOTNET_EnableDiagnostics"] = "0",
        ["DOTNET_EnableWriteXorExecute"] = "0",
        ["DOTNET_TieredPGO"] = "0",
    };

    private readonly ChildProcess _child;

    private TableProcess(ChildProcess child, DeviceLog log) => (_child, Log) = (child, log);

    public DeviceLog Log { get; }

    public int Id => _child.Id;

    public bool HasExited => _child.HasExited;

    public string Report => _child.Report;

    /// <param name="verb"><c>device</c> or <c>reader</c>.</param>
    /// <param name="order">What it is to do.</param>
    /// <param name="log">Where it tells.</param>
    /// <param name="under">A command it is started under.</param>
    public static TableProcess Start(string verb, DeviceOrder order, DeviceLog log, IReadOnlyList<string>? under = null)
    {
        string[] command =
            [.. under ?? [], Repository.DotnetHost, Repository.BuiltProgram("tests/Streams.Faults"), verb, order.ToArgument()];
        var child = ChildProcess.Start(
            "sh", ["-c", "out=$1; shift; exec \"$@\" >>\"$out\"", "sh", log.File, .. command], environment: Quiet);
        return new TableProcess(child, log);
    }

    /// <summary>Waits until it told something, or ended.</summary>
    public Task ToldAsync(Func<DeviceLog, bool> what, string text, TimeSpan? limit = null) => Eventually.TrueAsync(
        () =>
        {
            var exited = HasExited;
            Log.Refresh();
            return what(Log) || exited;
        },
        text, limit ?? TimeSpan.FromSeconds(60),
        () => $"{Log.Published.Count} published, {Log.Stored.Count} acknowledged, {Log.Given.Count} given; "
            + $"{Log.Failed.Values.LastOrDefault()}; {Report}");

    public Task SayAsync(string command) => _child.WriteLineAsync(command);

    /// <summary>Tells it to finish, and waits until everything is with clusters and it has ended.</summary>
    public async Task FinishAsync(TimeSpan? limit = null)
    {
        await SayAsync("finish");
        await ToldAsync(_ => false, "the process has sent everything and ends", limit ?? TimeSpan.FromSeconds(90));
        if (await WaitForExitAsync() is var code and not 0)
        {
            throw new NotReachedException($"the process ended with exit code {code}: {Report}");
        }
    }

    public async Task<int> WaitForExitAsync(TimeSpan? limit = null)
    {
        var code = await _child.WaitForExitAsync(limit);
        Log.Refresh();
        return code;
    }

    /// <inheritdoc cref="ChildProcess.Pause"/>
    public void Pause() => _child.Pause();

    public void Resume() => _child.Resume();

    public async Task KillAsync()
    {
        await _child.KillAsync();
        Log.Refresh();
    }

    public async ValueTask DisposeAsync()
    {
        await _child.DisposeAsync();
        Log.Refresh();
    }
}
