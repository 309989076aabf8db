namespace Streams.Faults;

/// <summary>A row of the table: one fault.</summary>
/// <param name="Name">By which it is called on the command line: lower case, with hyphens.</param>
/// <param name="What">What is done, for readers of the table.</param>
/// <param name="World">The clusters it needs.</param>
/// <param name="PlayAsync">One run: ends when the device has sent everything.</param>
internal sealed record FaultRow(string Name, string What, WorldKind World, Func<FaultRun, Task> PlayAsync)
{
    /// <summary>Why it cannot be played on this machine; <see langword="null"/> where it can.</summary>
    public Func<string?> WhyNot { get; init; } = static () => null;
}
