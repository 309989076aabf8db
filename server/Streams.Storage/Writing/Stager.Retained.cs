using System.Runtime.InteropServices;
using Streams.Core;

namespace Streams.Storage;

/// <summary>The times of retained events of clients without an outbox: behind that of the topic's retained message, whatever the clock
/// here says. Only the writer knows all that came before, flushed or not.</summary>
internal sealed partial class Stager
{
    // The latest times staged and not visible yet. Topics stand for their hashes: two that have one only get times a little later.
    private readonly Dictionary<(StreamPath Stream, ulong Topic), long> _stagedStamps = [];

    private long StampRetained(StreamPath stream, in PlainEvent plain)
    {
        ulong hash = BatchTopics.Hash(plain.Topic.Span);
        long before = _state.Topics.Of(stream)?.Retained(hash, plain.Topic.Span)?.Timestamp ?? long.MinValue;
        ref long staged = ref CollectionsMarshal.GetValueRefOrAddDefault(_stagedStamps, (stream, hash), out bool exists);
        before = exists ? Math.Max(before, staged) : before;

        // At the end of time the offset decides.
        return staged = Math.Max(plain.TimestampMicroseconds, before == long.MaxValue ? before : before + 1);
    }

    private void NoteStamps(StreamPath stream, BatchTopics topics)
    {
        foreach (ref readonly RetainedMention retained in topics.Retained)
        {
            ref long staged = ref CollectionsMarshal.GetValueRefOrAddDefault(_stagedStamps,
                (stream, topics.Mentions[retained.Mention].Hash), out bool exists);
            staged = exists ? Math.Max(staged, retained.Timestamp) : retained.Timestamp;
        }
    }

    private void ClearStamps()
    {
        bool isLarge = _stagedStamps.Count > KeptRecords;
        _stagedStamps.Clear();
        if (isLarge)
        {
            _stagedStamps.TrimExcess(KeptRecords);
        }
    }
}
