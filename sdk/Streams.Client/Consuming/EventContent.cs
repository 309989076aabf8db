using System.Text;
using Streams.Core;

namespace Streams.Client;

/// <summary>Makes what the application sees of a partition out of what came, and takes its acknowledgements. Making is done under the
/// consumer's lock.</summary>
internal sealed class EventContent(StreamPath stream, PartitionId partition, Action<PartitionId, EventIdentity, int, int> acknowledge,
    Action<PartitionId, EventPlace, int> acknowledgeUpTo)
{
    private byte[] _lastTopic = [];
    private TopicName _topic;

    /// <summary>The stream.</summary>
    public StreamPath Stream => stream;

    /// <summary>The partition.</summary>
    public PartitionId Partition => partition;

    /// <summary>The application is done with so many events.</summary>
    public void Acknowledge(in EventIdentity first, int count, int life) => acknowledge(partition, first, count, life);

    /// <summary>The application is done with all that it was handed of a lane, up to a place and with it.</summary>
    public void AcknowledgeUpTo(EventPlace place, int life) => acknowledgeUpTo(partition, place, life);

    /// <summary>The event number <paramref name="nth"/> of those given.</summary>
    public ReceivedEvent Of(in GivenEvents given, int nth, in EventView view)
    {
        if (!view.Topic.Span.SequenceEqual(_lastTopic))
        {
            _topic = TopicName.Parse(Encoding.UTF8.GetString(view.Topic.Span));
            _lastTopic = view.Topic.ToArray();
        }

        IReadOnlyList<EventHeader> headers = [];
        if (!view.Headers.IsEmpty)
        {
            EventHeader.TryDecode(view.Headers, out headers);
        }

        return new ReceivedEvent(this, given.Life)
        {
            Place = new EventPlace(given.Origin, new Offset(given.Offset + nth)),
            Identity = given.First with { Sequence = given.First.Sequence + nth },
            Topic = _topic,
            Key = view.Key,
            Headers = headers,
            Payload = view.Payload,
            Timestamp = DateTimeOffset.UnixEpoch.AddTicks(view.TimestampMicroseconds * TimeSpan.TicksPerMicrosecond),
            OrderReleased = given.OrderReleased,
            Gap = GapHeaders.Read(headers),
        };
    }
}
