using Streams.Testing;

namespace Streams.Faults;

/// <summary>
/// The writing process. Its acknowledgements go into a file on a sound disk, past this process: they are all there, however it ends.
/// </summary>
internal sealed class WriterProcess : IAsyncDisposable
{
    /// <summary>Of what the runtime does on its own, as little as possible meets the injected faults.</summary>
    private static readonly Dictionary<string, string?> Quiet = new()
    {
        ["DOTNET_EnableDiagnostics"] = "0",
        ["DOTNET_EnableWriteXorExecute"] = "0",
    };

    /// <summary>strace counts calls by thread: with one thread for all work it counts them all.</summary>
    private static readonly Dictionary<string, string?> OneThread = new(Quiet)
    {
        ["DOTNET_ThreadPool_ForceMinWorkerThreads"] = "1",
        ["DOTNET_ThreadPool_ForceMaxWorkerThreads"] = "1",
    };

    private readonly ChildProcess _child;

    private WriterProcess(ChildProcess child, string acknowledgements) => (_child, Acknowledgements) = (child, acknowledgements);

    /// <summary>The file with what it told.</summary>
    public string Acknowledgements { get; }

    public string Report => _child.Report;

    /// <param name="arguments">As <see cref="WriterProgram"/> takes them.</param>
    /// <param name="acknowledgements">The file that its output goes to.</param>
    /// <param name="under">A command it is started under.</param>
    /// <param name="hasOneThread">Whether one thread does all its work.</param>
    public static WriterProcess Start(
        IReadOnlyList<string> arguments, string acknowledgements, IReadOnlyList<string>? under = null, bool hasOneThread = false)
    {
        string[] command = [.. under ?? [], Repository.DotnetHost, Repository.BuiltProgram("tests/Streams.Faults"), .. arguments];
        var child = ChildProcess.Start(
            "sh", ["-c", "out=$1; shift; exec \"$@\" >>\"$out\"", "sh", acknowledgements, .. command],
            environment: hasOneThread ? OneThread : Quiet);
        return new WriterProcess(child, acknowledgements);
    }

    /// <summary>Waits until it acknowledged so much, or ended.</summary>
    public Task AcknowledgedAsync(long bytes) => Eventually.TrueAsync(
        () => _child.HasExited || (File.Exists(Acknowledgements) && new FileInfo(Acknowledgements).Length >= bytes),
        $"{bytes} bytes of acknowledgements are written", TimeSpan.FromSeconds(60), () => Report);

    public Task<int> WaitForExitAsync(TimeSpan limit) => _child.WaitForExitAsync(limit);

    /// <inheritdoc cref="ChildProcess.Pause"/>
    public void Pause() => _child.Pause();

    public Task KillAsync() => _child.KillAsync();

    public ValueTask DisposeAsync() => _child.DisposeAsync();
}
