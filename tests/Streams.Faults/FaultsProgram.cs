namespace Streams.Faults;

/// <summary>What this assembly does when it is started: <c>table</c> is for people, the other verbs are the processes that meet the
/// faults.</summary>
internal static class FaultsProgram
{
    public static Task<int> RunAsync(string[] arguments) => arguments switch
    {
        ["table", .. var rest] => TableProgram.RunAsync(rest, Console.Out),
        ["device", var order] => DeviceProgram.RunAsync(DeviceOrder.FromArgument(order)),
        ["reader", var order] => ReaderProgram.RunAsync(DeviceOrder.FromArgument(order)),
        [] or ["--help"] or ["-h"] => TableProgram.RunAsync(["--help"], Console.Out),
        _ => WriterProgram.RunAsync(arguments),
    };
}
