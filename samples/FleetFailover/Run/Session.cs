using Spectre.Console;
using Streams.Core;

namespace FleetFailover;

/// <summary>A whole session: directory, clusters, run, verdict, and cleaning up after all of it, however it ends.</summary>
internal sealed class Session(FleetOptions options, TimeProvider time)
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    private readonly IAnsiConsole _console = LanePicture.OpenConsole();

    /// <summary>Runs to the end; gives the exit code.</summary>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        ReplayFile? replay;
        try
        {
            replay = options.Replay is null ? null
                : ReplayFile.Load(options.Replay, options.ReplayId, options.ReplayTime,
                    options.CarsGiven ? options.Cars : FleetOptions.MaxCars);
        }
        catch (ReplayFaultException fault)
        {
            Console.Error.WriteLine(fault.Message);
            return ExitCodes.FaultyOptions;
        }

        string directory = Directory.CreateTempSubdirectory("fleet-failover-").FullName;
        try
        {
            return await RunInAsync(directory, replay, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            Console.Error.WriteLine("interrupted: no verdict");
            return ExitCodes.Interrupted;
        }
        catch (Exception fault) when (fault is ClusterFailedException or StreamsException)
        {
            Console.Error.WriteLine(fault.Message);
            return ExitCodes.Broken;
        }
        finally
        {
            Clean(directory);
        }
    }

    private async Task<int> RunInAsync(string directory, ReplayFile? replay, CancellationToken cancellationToken)
    {
        await using ClusterRing ring = new(FailoverRun.ClusterNames, directory, options.Server, new Random(), time);
        Console.WriteLine(replay is null
            ? $"seed {options.Seed}: {options.Cars} cars, {options.Rate} events a second each, {options.Seconds} s"
            : $"seed {options.Seed}: {replay.Vehicles.Count} vehicles, {replay.Rows.Length} rows of {Path.GetFileName(options.Replay)}");
        await ring.StartAsync(StartLimit, cancellationToken);
        foreach (ClusterProcess cluster in ring.Clusters)
        {
            Console.WriteLine($"{cluster.Name}: mqtt 127.0.0.1:{cluster.Ports.Mqtt}, http {cluster.Http}, process {cluster.ProcessId}");
        }

        IProgressView view = Console.IsOutputRedirected ? new PlainProgress(Console.Out, time) : new LiveProgress(_console, time);
        RunReport report = await new FailoverRun(options, replay, directory, view, time).RunAsync(ring, cancellationToken);
        FinalPicture.Show(_console, Console.Out, report);
        if (options.Report is { } path)
        {
            await ReportFile.WriteAsync(path, report);
        }

        if (options.Keep)
        {
            await KeepAsync(directory, cancellationToken);
        }

        return report.Passed ? ExitCodes.Kept : ExitCodes.Broken;
    }

    private async Task KeepAsync(string directory, CancellationToken cancellationToken)
    {
        Console.WriteLine($"the clusters run on until Ctrl+C; their data stay in {directory}");
        try
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // That is how it is meant to end.
        }
    }

    private void Clean(string directory)
    {
        if (options.Keep)
        {
            return;
        }

        try
        {
            Directory.Delete(directory, recursive: true);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"{directory} could not be removed: {fault.Message}");
        }
    }
}
