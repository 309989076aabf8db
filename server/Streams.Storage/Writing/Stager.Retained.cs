using System.Runtime.InteropServices;
using Streams.Core;

namespace Streams.Storage;

/// <summary>The times of retained events of clients without an outbox: behind that of the topic's retained message, whatever the clock
/// here says. Only the writer knows all that came before, flushed or not.</summary>
internal sealed partial class Stager
{
    private long StampRetained(StreamPath stream, in PlainEvent plain)
    {
        ulong hash = BatchTopics.Hash(plain.Topic.Span);
        long before = _state.Topics.Of(stream)?.Retained(hash, plain.Topic.Span)?.Timestamp ?? long.MinValue;
        if (_inFlight is not null && _inFlight.Stamps.TryGetValue((stream, hash), out long flying))
        {
            before = Math.Max(before, flying);
        }

        ref long staged = ref CollectionsMarshal.GetValueRefOrAddDefault(_open.Stamps, (stream, hash), out bool exists);
        before = exists ? Math.Max(before, staged) : before;

        // At the end of time the offset decides.
        return staged = Math.Max(plain.TimestampMicroseconds, before == long.MaxValue ? before : before + 1);
    }

    private void NoteStamps(StreamPath stream, BatchTopics topics)
    {
        foreach (ref readonly RetainedMention retained in topics.Retained)
        {
            ref long staged = ref CollectionsMarshal.GetValueRefOrAddDefault(_open.Stamps,
                (stream, topics.Mentions[retained.Mention].Hash), out bool exists);
            staged = exists ? Math.Max(staged, retained.Timestamp) : retained.Timestamp;
        }
    }
}
