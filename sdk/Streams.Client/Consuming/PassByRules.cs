namespace Streams.Client;

/// <summary>The rules of the reader that a simulation can take away one at a time, to show that each is needed. The product has all of
/// them.</summary>
/// <param name="Forget">Rule R11: a rewind makes the reader forget what it was given at or behind the new position.</param>
/// <param name="KeepBack">Rule R19d: the cursor stays before what is held back.</param>
/// <param name="Chain">Rule R19b: what an event awaits is not passed while something of its producer is held back at or below
/// it.</param>
internal sealed record PassByRules(bool Forget = true, bool KeepBack = true, bool Chain = true)
{
    /// <summary>All of them.</summary>
    public static readonly PassByRules All = new();
}
