using System.Globalization;
using Spectre.Console;
using Streams.Core;

namespace EdgeGateway;

/// <summary>A whole session: directory, clusters, agent, run, verdict, and cleaning up after all of it, however it ends.</summary>
internal sealed class Session(GatewayOptions options, TimeProvider time)
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    private readonly IAnsiConsole _console = LanePicture.OpenConsole();

    /// <summary>Runs to the end; gives the exit code.</summary>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        Recordings recordings;
        try
        {
            recordings = Recordings.Load(Recordings.Folder(options.Data, AppContext.BaseDirectory));
        }
        catch (ReplayFaultException fault)
        {
            Console.Error.WriteLine(fault.Message);
            return ExitCodes.FaultyOptions;
        }

        string directory = Directory.CreateTempSubdirectory("edge-gateway-").FullName;
        try
        {
            return await RunInAsync(directory, recordings, cancellationToken);
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

    private async Task<int> RunInAsync(string directory, Recordings recordings, CancellationToken cancellationToken)
    {
        Console.WriteLine(options.OfflineDay
            ? Text($"a day offline at 1,000 events a second, {options.Scale:0.####} of it: {DayRun.Events * options.Scale:0} events")
            : Text($"seed {options.Seed}: {options.Machines} machines, {options.Rate} events a second each, {options.Seconds} s, ")
                + recordings.Name);
        using HttpClient http = new() { Timeout = TimeSpan.FromSeconds(10) };
        await using ClusterRing ring = new(GatewayRun.ClusterNames, directory, options.Server, new Random(), time);
        await ring.StartAsync(StartLimit, cancellationToken);
        int[] ports = FreePorts.Find(4, new Random());
        await using UplinkLine first = new(ports[0], ring.Clusters[0].Ports.Mqtt);
        await using UplinkLine second = new(ports[1], ring.Clusters[1].Ports.Mqtt);
        using AgentClock clock = await AgentClock.MakeAsync(directory, cancellationToken);
        AgentPorts agentPorts = new(ports[2], ports[3]);
        string configuration = AgentProcess.Configuration(agentPorts,
            [$"{ring.Clusters[0].Name}=127.0.0.1:{first.Port}", $"{ring.Clusters[1].Name}=127.0.0.1:{second.Port}"],
            MachineWorld.Plant.Value, MachineWorld.Orders.Value, (options.Machines * 2) + 1000,
            options.OfflineDay ? new { maxBytes = DayRun.StoreLimit(options.Scale), whenFull = "dropOldest" } : null);
        await using AgentProcess agent = new(directory, agentPorts, configuration, options.Agent, clock, http, time);
        await agent.StartAsync(StartLimit, cancellationToken);
        foreach (ClusterProcess cluster in ring.Clusters)
        {
            Console.WriteLine($"{cluster.Name}: mqtt 127.0.0.1:{cluster.Ports.Mqtt}, http {cluster.Http}, process {cluster.ProcessId}");
        }

        Console.WriteLine($"agent: mqtt 127.0.0.1:{agentPorts.Machines}, status page {agent.Http}, process {agent.ProcessId}");
        if (clock.WhyNot is { } why)
        {
            Console.WriteLine($"the agent's clock cannot be set here: {why}");
        }

        IProgressView view = Console.IsOutputRedirected ? new PlainProgress(Console.Out, time) : new LiveProgress(_console, time);
        GatewayStage stage = new(ring, [first, second], agent, clock);
        bool passed = options.OfflineDay ? await PassDayAsync(stage, directory, view, cancellationToken)
            : await TellStoryAsync(stage, recordings, directory, view, cancellationToken);

        if (options.Keep)
        {
            await KeepAsync(directory, cancellationToken);
        }

        return passed ? ExitCodes.Kept : ExitCodes.Broken;
    }

    private async Task<bool> TellStoryAsync(GatewayStage stage, Recordings recordings, string directory, IProgressView view,
        CancellationToken cancellationToken)
    {
        GatewayReport report = await new GatewayRun(options, recordings, directory, view, time).RunAsync(stage, cancellationToken);
        FinalPicture.Show(_console, Console.Out, report);
        await WriteAsync(report);
        return report.Passed;
    }

    private async Task<bool> PassDayAsync(GatewayStage stage, string directory, IProgressView view, CancellationToken cancellationToken)
    {
        DayReport report = await new DayRun(options, directory, view, time).RunAsync(stage, cancellationToken);
        DayPicture.Show(Console.Out, report);
        await WriteAsync(report);
        return report.Passed;
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private Task WriteAsync<T>(T report) => options.Report is { } path ? ReportFile.WriteAsync(path, report) : Task.CompletedTask;

    private async Task KeepAsync(string directory, CancellationToken cancellationToken)
    {
        Console.WriteLine($"clusters and agent run on until Ctrl+C; their data stay in {directory}");
        await ((Task)Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken))
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
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
