using System.Runtime.InteropServices;
using EdgeGateway;

if (args.Contains("--help") || args.Contains("-h"))
{
    Console.WriteLine(GatewayOptionsParser.Usage);
    return ExitCodes.Kept;
}

(GatewayOptions options, IReadOnlyList<string> faults) = GatewayOptionsParser.Parse(args, new Random());
if (faults.Count > 0)
{
    foreach (string fault in faults)
    {
        Console.Error.WriteLine(fault);
    }

    return ExitCodes.FaultyOptions;
}

using CancellationTokenSource interrupted = new();
using PosixSignalRegistration onInterrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
using PosixSignalRegistration onTerminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);
using PosixSignalRegistration onHangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Interrupt);
return await new Session(options, TimeProvider.System).RunAsync(interrupted.Token);

void Interrupt(PosixSignalContext signal)
{
    signal.Cancel = true;
    interrupted.Cancel();
}
