using Streams.Core;

namespace Streams.Storage;

/// <summary>Where the records of retained messages stand. For use beside the writer.</summary>
internal sealed class RetainedPlaces(ContainerState state, Lock gate)
{
    /// <summary>Whether a topic of the stream has, or had, a retained message.</summary>
    public bool HasAny(StreamPath stream)
    {
        lock (gate)
        {
            return state.Topics.Of(stream)?.RetainedCount > 0;
        }
    }

    /// <summary>Whether the topic's retained event is this one and its record stands at this position of the log.</summary>
    public bool IsAt(StreamPath stream, ReadOnlySpan<byte> topic, long position, long offset)
    {
        ulong hash = BatchTopics.Hash(topic);
        lock (gate)
        {
            return state.Topics.Of(stream)?.Retained(hash, topic) is { } mark && mark.Position == position && mark.Offset == offset;
        }
    }
}
