using System.Collections;
using System.Runtime.InteropServices;
using Streams.Core;
using Streams.Gateways;

namespace Streams.Server;

/// <summary>The program around a server: options in, exit code out.</summary>
internal static class ServerProgram
{
    public const int Stopped = 0;
    public const int CouldNotStart = 1;
    public const int BadConfiguration = 2;

    /// <summary>Longest time for finishing what was begun, from the signal to the exit.</summary>
    private static readonly TimeSpan DrainLimit = TimeSpan.FromSeconds(10);

    /// <summary>The same when the store failed: nothing can be finished any more, clients only have to be told.</summary>
    private static readonly TimeSpan FailedDrainLimit = TimeSpan.FromSeconds(2);

    public static async Task<int> RunAsync(string[] arguments, TextWriter output, TextWriter errors)
    {
        if (arguments.Contains("--help") || arguments.Contains("--version"))
        {
            await output.WriteAsync(arguments.Contains("--help") ? HelpText.Usage() : HelpText.Version + "\n");
            return Stopped;
        }

        try
        {
            if (arguments.Length > 0 && arguments[0] == VerifyVerb.Name)
            {
                return new VerifyVerb(output, errors, TimeProvider.System).Run(arguments);
            }

            if (arguments.Length > 0 && arguments[0] == DumpVerb.Name)
            {
                return new DumpVerb(output).Run(arguments);
            }

            ServerOptions options = OptionReader.Read(arguments, EnvironmentVariables(), OptionReader.FileName, TimeProvider.System);
            using LineLoggerProvider log = new(options.LogLevels, TimeProvider.System, output);
            return await ServeAsync(options, log);
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

    private static async Task<int> ServeAsync(ServerOptions options, LineLoggerProvider log)
    {
        using CancellationTokenSource asked = new();
        using PosixSignalRegistration term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Ask);
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Ask);
        ServerHost host;
        try
        {
            host = await ServerHost.StartAsync(options, TimeProvider.System, new Random(), log, asked.Token);
        }
        catch (OperationCanceledException) when (asked.IsCancellationRequested)
        {
            return Stopped;
        }

        log.Write(host.ReadyLine);
        Task signal = Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, asked.Token);
        bool failed = await Task.WhenAny(host.Failed, signal) == host.Failed;
        await host.StopAsync(failed ? "the store failed" : "asked to stop", failed ? FailedDrainLimit : DrainLimit);
        return failed || host.Failed.IsCompleted ? CouldNotStart : Stopped;

        void Ask(PosixSignalContext context)
        {
            context.Cancel = true;
            asked.Cancel();
        }
    }

    private static void Complain(TextWriter errors, string faults)
    {
        foreach (string fault in faults.Split('\n'))
        {
            errors.WriteLine($"streams: {fault}");
        }

        errors.Flush();
    }

    private static IEnumerable<KeyValuePair<string, string>> EnvironmentVariables()
    {
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            yield return KeyValuePair.Create((string)variable.Key, (string?)variable.Value ?? string.Empty);
        }
    }
}
