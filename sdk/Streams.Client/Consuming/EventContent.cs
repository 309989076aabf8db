using System.Text;
using Streams.Core;

namespace Streams.Client;

/// <summary>Makes what the application sees out of what came. Used under the consumer's lock.</summary>
internal sealed class EventContent(StreamPath stream, PartitionId partition, Action<ReceivedEvent> acknowledged)
{
    private byte[] _lastTopic = [];
    private TopicName _topic;

    /// <summary>Bytes of the event, as far as credit is concerned.</summary>
    public static int SizeOf(in EventView view) => view.Payload.Length + view.Key.Length + view.Headers.Length + view.Topic.Length;

    /// <summary>The event.</summary>
    public ReceivedEvent Of(in GivenEvent given)
    {
        EventView view = given.View;
        if (!view.Topic.Span.SequenceEqual(_lastTopic))
        {
            _topic = TopicName.Parse(Encoding.UTF8.GetString(view.Topic.Span));
            _lastTopic = view.Topic.ToArray();
        }

        EventHeader.TryDecode(view.Headers, out IReadOnlyList<EventHeader> headers);
        return new ReceivedEvent
        {
            Stream = stream,
            Partition = partition,
            Place = new EventPlace(given.Origin, new Offset(given.Offset)),
            Identity = given.Identity,
            Topic = _topic,
            Key = view.Key,
            Headers = headers,
            Payload = view.Payload,
            Timestamp = DateTimeOffset.UnixEpoch.AddTicks(view.TimestampMicroseconds * TimeSpan.TicksPerMicrosecond),
            OrderReleased = given.OrderReleased,
            Gap = GapHeaders.Read(headers),
            Life = given.Life,
            Acknowledged = acknowledged,
        };
    }
}
