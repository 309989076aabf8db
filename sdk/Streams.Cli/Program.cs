using System.Runtime.InteropServices;
using Streams.Cli;

// The first signal ends what runs in order, the second one ends the process.
using CancellationTokenSource stop = new();
void OnSignal(PosixSignalContext context)
{
    context.Cancel = !stop.IsCancellationRequested;
    stop.Cancel();
}

using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
return (int)await CliProgram.RunAsync(args, CliTerminal.OfProcess(), stop.Token);
