namespace Streams.Client;

/// <summary>Events that wait cannot be read: damage has got at them. They are set aside, and what waits behind them goes on.</summary>
/// <param name="first">Sequence of the first.</param>
/// <param name="last">Sequence of the last.</param>
/// <param name="at">The time in the row, as far as it can be believed; else <see langword="null"/>.</param>
/// <param name="isPage">Whether the file itself is damaged there, so that they cannot be taken out of it either: the next opening saves
/// what
/// it can.</param>
/// <param name="message">What is wrong.</param>
internal sealed class UnreadableEventException(long first, long last, long? at, bool isPage, string message) : Exception(message)
{
    /// <summary>Sequence of the first.</summary>
    public long First => first;

    /// <summary>Sequence of the last.</summary>
    public long Last => last;

    /// <summary>The time in the row, in microseconds since 1970.</summary>
    public long? At => at;

    /// <summary>Whether the file is damaged there.</summary>
    public bool IsPage => isPage;
}
