namespace Streams.Storage;

/// <summary>A record of a log, or a place where none can be read, for people to look at.</summary>
/// <param name="Segment">The segment's file name.</param>
/// <param name="Position">Where in the log it stands.</param>
/// <param name="Kind">What it is: <c>events</c>, <c>cursors</c>, <c>topics</c>, <c>registers</c>, <c>opened</c>, <c>declared</c>,
/// <c>skip</c>, <c>sealed</c>, <c>joined</c>, <c>origin</c>, <c>repaired</c>, <c>bound</c>, <c>hole</c>; <c>damaged</c> or
/// <c>tail</c> where nothing can be read.</param>
/// <param name="Lane">Its lane, as <c>/fleet#3@sj.0192f3ab4c5d6e7f</c>; empty when it has none.</param>
/// <param name="Fields">What it says, in order: numbers, texts, and lists of texts.</param>
public sealed record DumpedRecord(string Segment, long Position, string Kind, string Lane,
    IReadOnlyList<KeyValuePair<string, object>> Fields);

/// <summary>Which records are wanted.</summary>
/// <param name="Segment">Those of one segment, by its file name; <see langword="null"/> for all.</param>
/// <param name="Lane">Those of lanes whose text form holds this; <see langword="null"/> for all records.</param>
/// <param name="From">Those that stand at this log position or behind it.</param>
public sealed record DumpFilter(string? Segment = null, string? Lane = null, long From = 0);
