using System.Globalization;
using Streams.Storage;

namespace Streams.Faults;

/// <summary>
/// The process that meets the faults: opens a container, writes, and tells each acknowledgement on its standard output.
/// <c>load DIRECTORY TAIL-BYTES FIRST-PRODUCER flushed|written</c> writes with many producers until the disk refuses or it is killed;
/// <c>steps DIRECTORY FIRST-PRODUCER die|stay</c> does the same steps in the same order each time.
/// </summary>
internal static class WriterProgram
{
    /// <summary>The disk refused, or the container was found in a state in which it must not be written.</summary>
    public const int Refused = 3;

    private const int Wrong = 2;

    public static async Task<int> RunAsync(string[] arguments)
    {
        using var acks = new AckWriter();
        try
        {
            switch (arguments)
            {
                case ["load", var directory, var tail, var producer, var durability]:
                    await new LoadWriter(directory, Number(tail), Number(producer), durability == "written", acks).RunAsync();
                    return 0;
                case ["steps", var directory, var producer, var then]:
                    return await new StepWriter(directory, Number(producer), then == "die", acks).RunAsync();
                default:
                    await Console.Error.WriteLineAsync("load DIRECTORY TAIL FIRST flushed|written, or steps DIRECTORY FIRST die|stay");
                    return Wrong;
            }
        }
        catch (Exception cause) when (cause is Core.StreamsException or IOException)
        {
            acks.Refused(cause);
            return Refused;
        }
    }

    /// <summary>Opens the container for writing. A fault of the disk is no reason for a new incarnation.</summary>
    public static async Task<Container> OpenAsync(ContainerOptions options, AckWriter acks)
    {
        var store = await TestStore.OpenAsync(options);
        try
        {
            if (store.Recovery.NeedsNewIncarnation)
            {
                throw new Core.ConfigurationException("the log is taken for damaged or rolled back");
            }

            await store.StartWritingAsync(TestStore.Own, default);
            await TestStore.SettleAsync(store);
            acks.Said(AckLine.Opened);
            return store;
        }
        catch
        {
            await store.DisposeAsync();
            throw;
        }
    }

    private static int Number(string text) => int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
}
