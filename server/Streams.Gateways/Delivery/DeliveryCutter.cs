using Streams.Core;

namespace Streams.Gateways;

/// <summary>Cuts the events that a subscription is given out of a stored batch. The cut names the stored batch's first sequence, so
/// that sequences and
/// offsets follow from the indexes delivered beside it.</summary>
internal sealed class DeliveryCutter
{
    private const int KeptBytes = 256 << 10;

    private EventBatchBuilder _builder = new();

    /// <summary>A batch with only the events at <paramref name="indexes"/> (rising).</summary>
    public EventBatch Cut(EventBatch stored, List<int> indexes)
    {
        int at = 0;
        foreach (EventView view in stored.Events)
        {
            if (at == indexes.Count)
            {
                break;
            }

            if (view.Index == indexes[at])
            {
                at++;
                _builder.TryAdd(view.Topic.Span, view.Key.Span, view.Headers.Span, view.Payload.Span, view.TimestampMicroseconds,
                    isRetained: view.IsRetained);
            }
        }

        int bytes = _builder.Bytes;
        EventBatch cut = _builder.Build(stored.Header.Identity(0), default, stored.Header.MayHaveTwins, stored.Header.Compression);
        if (bytes > KeptBytes)
        {
            _builder = new EventBatchBuilder();
        }

        return cut;
    }
}
