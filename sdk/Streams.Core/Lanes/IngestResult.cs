namespace Streams.Core;

/// <summary>What became of entries that came over a link.</summary>
public enum IngestOutcome
{
    /// <summary>All of them are here now, flushed: appended, or skipped because they were here.</summary>
    Taken,

    /// <summary>The first of them is ahead of what is here: ask from <see cref="IngestResult.Next"/> on (rule R13).</summary>
    Ahead,

    /// <summary>An entry differs from the one here with the same number: two histories of one lane. Nothing was changed; it is reported
    /// loudly.</summary>
    Fork,
}

/// <summary>The answer of a store to entries of a foreign lane.</summary>
/// <param name="Outcome">What became of them.</param>
/// <param name="Next">The next entry wanted of this lane.</param>
public readonly record struct IngestResult(IngestOutcome Outcome, EntryNumber Next);
