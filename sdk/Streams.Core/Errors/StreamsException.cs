namespace Streams.Core;

/// <summary>The root of all errors that Streams raises on purpose. Its children are sorted by what the caller can do.</summary>
public abstract class StreamsException : Exception
{
    /// <summary>An error with a text for people.</summary>
    protected StreamsException(string message, Exception? cause = null)
        : base(message, cause)
    {
    }
}

/// <summary>The request is wrong and will stay wrong: mend the name, the size or the bytes.</summary>
public class InvalidRequestException(string message, Exception? cause = null) : StreamsException(message, cause);

/// <summary>A text is no name of the kind asked for.</summary>
public sealed class InvalidNameException(string message) : InvalidRequestException(message);

/// <summary>Bytes are not what their format says: torn, damaged, or made by something else.</summary>
public sealed class InvalidFormatException(string message) : InvalidRequestException(message);

/// <summary>It cannot be done now but may be later: reconnect, wait, try again.</summary>
public sealed class TryAgainException(string message, Exception? cause = null) : StreamsException(message, cause);

/// <summary>The disk refused: nothing more is acknowledged here until the store has been reopened and verified. Of what was under way
/// nobody knows whether it is kept.</summary>
public sealed class StorageFailedException(string message, Exception? cause = null) : StreamsException(message, cause)
{
    /// <summary>Whether it refused for want of room alone: what was kept is as it was.</summary>
    public bool IsFull { get; init; }
}

/// <summary>The configuration cannot be started with: all faults are in the message, one a line.</summary>
public sealed class ConfigurationException(string message) : StreamsException(message);
