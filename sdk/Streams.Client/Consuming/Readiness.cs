namespace Streams.Client;

/// <summary>Whether an event may be given (R19b).</summary>
internal enum Readiness
{
    /// <summary>No: something of its producer has to come first.</summary>
    Blocked,

    /// <summary>Yes, in order.</summary>
    Ready,

    /// <summary>Yes: what it awaits cannot come any more (R15).</summary>
    Closed,

    /// <summary>Yes: patience ran out.</summary>
    Patience,
}
