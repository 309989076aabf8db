using Streams.Core;

namespace Streams.Storage;

/// <summary>What the body of an entry from a link says that is needed to take it in; made by the caller, not by the writer.</summary>
/// <param name="Header">For events, the head of their batch.</param>
/// <param name="Topics">For events, their topics.</param>
internal readonly record struct CheckedBody(BatchHeader Header, BatchTopics? Topics)
{
    /// <summary>Checks a body.</summary>
    /// <exception cref="InvalidFormatException">It is not what its kind says.</exception>
    public static CheckedBody Check(LaneId lane, LaneEntry entry)
    {
        string? fault = null;
        EventBatch? batch = null;
        bool valid = entry.Kind switch
        {
            EntryKind.Events => EventBatch.TryParse(entry.Body, out batch, out fault) && batch!.Header.Count == entry.EventCount,
            EntryKind.Opened => entry.Body.IsEmpty,
            EntryKind.Cursors => CursorCommits.TryRead(entry.Body, out _),
            EntryKind.Topics => TopicFacts.TryRead(entry.Body, out _),
            EntryKind.Registers => RegisterFacts.TryRead(entry.Body, out _),
            _ => false,
        };
        if (!valid || (entry.Kind != EntryKind.Events && entry.EventCount != 0) || entry.Body.Length > EventLimits.MaxBatchBytes)
        {
            throw new InvalidFormatException($"{lane}: entry {entry.Number} of kind {entry.Kind}: {fault ?? "the body is malformed"}");
        }

        return batch is null ? default : new CheckedBody(batch.Header, BatchTopics.Of(batch));
    }
}
