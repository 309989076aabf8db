using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>Makes what is stored of what a cluster delivers. Pure.</summary>
internal static class DownStretches
{
    /// <summary>The stretch that a delivery is. Of a batch that did not come whole, or that begins before the stretch, the events that
    /// are in it are batches of their own, one for each run of neighbours, with the identities that they have.</summary>
    /// <exception cref="InvalidFormatException">The delivery is not what it says.</exception>
    public static DownStretch Of(StreamPath stream, Delivery delivery)
    {
        LaneId lane = new(new StreamPartition(stream, delivery.Partition), delivery.Origin);
        if (delivery.Kind != DeliveryKind.Events)
        {
            return new DownStretch(lane, delivery.From, delivery.To, AfterVector.Empty, []);
        }

        EventBatch batch = EventBatch.Parse(delivery.Batch);
        bool isInside = delivery.BatchOffset >= delivery.From && delivery.BatchOffset + batch.Header.Count <= delivery.To;
        if (delivery.Indexes.Count == 0 && isInside)
        {
            return new DownStretch(lane, delivery.From, delivery.To, delivery.After, [(delivery.BatchOffset.Value, batch)]);
        }

        if (delivery.Indexes.Count > 0 && delivery.Indexes.Count != batch.Header.Count)
        {
            throw new InvalidFormatException($"{lane}: a delivery of {batch.Header.Count} events names {delivery.Indexes.Count}");
        }

        return new DownStretch(lane, delivery.From, delivery.To, delivery.After, Runs(delivery, batch));
    }

    /// <summary>A batch without its first events.</summary>
    public static EventBatch Without(EventBatch batch, int first)
    {
        if (first == 0)
        {
            return batch;
        }

        EventBatchBuilder builder = new();
        foreach (EventView view in batch.Events)
        {
            if (view.Index >= first)
            {
                builder.TryAdd(view.Topic.Span, view.Key.Span, view.Headers.Span, view.Payload.Span, view.TimestampMicroseconds,
                    isRetained: view.IsRetained);
            }
        }

        BatchHeader head = batch.Header;
        return builder.Build(head.Identity(first), default, head.MayHaveTwins);
    }

    /// <summary>The same events under another identity.</summary>
    public static EventBatch Under(EventBatchBuilder builder, EventBatch batch, EventIdentity first)
    {
        builder.Clear();
        foreach (EventView view in batch.Events)
        {
            builder.TryAdd(view.Topic.Span, view.Key.Span, view.Headers.Span, view.Payload.Span, view.TimestampMicroseconds,
                isRetained: view.IsRetained);
        }

        EventBatch made = builder.Build(first, default, mayHaveTwins: false);
        builder.Clear();
        return made;
    }

    private static List<(long Offset, EventBatch Batch)> Runs(Delivery delivery, EventBatch batch)
    {
        List<(long, EventBatch)> runs = [];
        EventBatchBuilder builder = new();
        int first = 0;
        int next = -1;
        int nth = 0;
        foreach (EventView view in batch.Events)
        {
            int index = delivery.IndexOf(nth++);
            Offset offset = delivery.BatchOffset + index;
            if (offset < delivery.From || offset >= delivery.To)
            {
                continue;
            }

            if (builder.Count > 0 && index != next)
            {
                Close();
            }

            first = builder.Count == 0 ? index : first;
            builder.TryAdd(view.Topic.Span, view.Key.Span, view.Headers.Span, view.Payload.Span, view.TimestampMicroseconds,
                isRetained: view.IsRetained);
            next = index + 1;
        }

        if (builder.Count > 0)
        {
            Close();
        }

        return runs;

        void Close()
        {
            BatchHeader head = batch.Header;
            runs.Add((delivery.BatchOffset.Value + first, builder.Build(
                new EventIdentity(head.Producer, head.Epoch, head.FirstSequence + first), default, head.MayHaveTwins)));
        }
    }
}
