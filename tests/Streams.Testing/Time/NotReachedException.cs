namespace Streams.Testing;

/// <summary>A condition a test waited for did not come true in time. The message names it and what was seen last.</summary>
public sealed class NotReachedException : Exception
{
    public NotReachedException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
