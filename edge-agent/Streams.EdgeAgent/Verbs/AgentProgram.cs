using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Extensions.Logging;
using Streams.Core;
using Streams.Gateways;

namespace Streams.EdgeAgent;

/// <summary>The program around an agent: verbs in, exit code out.</summary>
internal static class AgentProgram
{
    public const int Stopped = 0;
    public const int CouldNotStart = 1;
    public const int BadConfiguration = 2;

    /// <summary>Longest time to tell devices when the store failed: nothing can be finished any more.</summary>
    private static readonly TimeSpan FailedDrainLimit = TimeSpan.FromSeconds(2);

    public static async Task<int> RunAsync(string[] arguments, TextReader input, TextWriter output, TextWriter errors)
    {
        try
        {
            switch (arguments)
            {
                case ["--help"]:
                    await output.WriteAsync(HelpText.Usage).ConfigureAwait(false);
                    return Stopped;
                case ["--version"]:
                    await output.WriteLineAsync(HelpText.Version).ConfigureAwait(false);
                    return Stopped;
                case ["check", string path]:
                    AgentOptions options = AgentConfiguration.Load(path, TimeProvider.System.GetUtcNow());
                    await output.WriteLineAsync($"{path}: good. agent {options.Name}, {options.Listeners.Length} listeners, "
                        + $"{options.Access.Users.Count} users, {RulesOf(options)}").ConfigureAwait(false);
                    return Stopped;
                case ["password"]:
                    return await HashAsync(input, output, errors).ConfigureAwait(false);
                case ["run", string path]:
                    return await RunAsync(path, output).ConfigureAwait(false);
                default:
                    await errors.WriteAsync(HelpText.Usage).ConfigureAwait(false);
                    return BadConfiguration;
            }
        }
        catch (ConfigurationException fault)
        {
            Complain(errors, fault.Message);
            return BadConfiguration;
        }
        catch (StreamsException fault)
        {
            Complain(errors, fault.Message);
            return CouldNotStart;
        }
        catch (Exception fault)
        {
            Complain(errors, $"unexpected fault: {fault.GetType().Name}: {fault.Message.ReplaceLineEndings(" ")}");
            return CouldNotStart;
        }
    }

    private static async Task<int> HashAsync(TextReader input, TextWriter output, TextWriter errors)
    {
        byte[] password = Encoding.UTF8.GetBytes(await input.ReadLineAsync().ConfigureAwait(false) ?? string.Empty);
        if (password.Length is 0 or > PasswordHash.MaxPasswordBytes)
        {
            Complain(errors, $"password: one line of 1 to {PasswordHash.MaxPasswordBytes} bytes is wanted on the standard input");
            return BadConfiguration;
        }

        await output.WriteLineAsync(PasswordHash.Of(password).ToString()).ConfigureAwait(false);
        return Stopped;
    }

    private static async Task<int> RunAsync(string path, TextWriter output)
    {
        using CancellationTokenSource asked = new();
        using PosixSignalRegistration term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Ask);
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Ask);
        TimeProvider time = TimeProvider.System;
        AgentOptions options = AgentConfiguration.Load(path, time.GetUtcNow(), checkFiles: false);
        using LineLoggerProvider log = new(options.LogLevels, time, output);
        ILogger logger = log.CreateLogger("Streams.EdgeAgent");
        AgentLog.Starting(logger, HelpText.Version, options.Name, path);
        try
        {
            await Provisioner.RunAsync(options, path, time, logger, asked.Token).ConfigureAwait(false);
            options = AgentConfiguration.Load(path, time.GetUtcNow());
            AgentHost host = await AgentHost.StartAsync(options, time, new Random(), log, asked.Token).ConfigureAwait(false);
            return await ServeAsync(host, path, log, logger, asked.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (asked.IsCancellationRequested)
        {
            return Stopped;
        }

        void Ask(PosixSignalContext context)
        {
            context.Cancel = true;
            asked.Cancel();
        }
    }

    private static async Task<int> ServeAsync(AgentHost host, string path, LineLoggerProvider log, ILogger logger, CancellationToken asked)
    {
        ConfigurationKeeper keeper = new(path, host.ApplyAsync, TimeProvider.System, logger);
        await using (keeper.ConfigureAwait(false))
        {
            using PosixSignalRegistration reload = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
            {
                context.Cancel = true;
                keeper.Ask();
            });
            using ServiceNotice notice = new(Environment.GetEnvironmentVariable, () => !host.Failed.IsCompleted, TimeProvider.System,
                logger);
            log.Write(host.ReadyLine);
            notice.Ready(host.ReadyLine);
            Task signal = Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, asked);
            bool failed = await Task.WhenAny(host.Failed, signal).ConfigureAwait(false) == host.Failed;
            TimeSpan limit = failed ? FailedDrainLimit : host.Options.DrainLimit;
            notice.Stopping(limit + limit + TimeSpan.FromSeconds(30));
            await host.StopAsync(failed ? "the store failed" : "asked to stop", limit).ConfigureAwait(false);
            return failed || host.Failed.IsCompleted ? CouldNotStart : Stopped;
        }
    }

    private static string RulesOf(AgentOptions options) =>
        options.Access.Rules is { } rules ? $"{rules.Length} access rules" : "no access rules: who is let in may do everything";

    private static void Complain(TextWriter errors, string faults)
    {
        foreach (string fault in faults.Split('\n'))
        {
            errors.WriteLine($"streams-edge: {fault}");
        }

        errors.Flush();
    }
}
