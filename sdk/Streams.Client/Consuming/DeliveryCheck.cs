using Streams.Core;

namespace Streams.Client;

/// <summary>Whether a delivery makes sense in itself; what comes over the wire is not trusted.</summary>
internal static class DeliveryCheck
{
    /// <summary>What is wrong, or <see langword="null"/>.</summary>
    public static string? Fault(Delivery delivery, EventBatch? batch)
    {
        if (delivery.Kind != DeliveryKind.Events)
        {
            return null;
        }

        if (batch is null)
        {
            return "a delivery of events has no batch";
        }

        int count = batch.Header.Count;
        if (delivery.Indexes.Count != 0 && delivery.Indexes.Count != count)
        {
            return $"a delivery has {count} events and {delivery.Indexes.Count} indexes";
        }

        long first = delivery.BatchOffset.Value + delivery.IndexOf(0);
        long last = delivery.BatchOffset.Value + delivery.IndexOf(count - 1);
        for (int i = 1; i < delivery.Indexes.Count; i++)
        {
            if (delivery.Indexes[i] <= delivery.Indexes[i - 1])
            {
                return "a delivery's indexes do not rise";
            }
        }

        return first < delivery.From.Value || last >= delivery.To.Value
            ? $"a delivery covers {delivery.From} to {delivery.To} and has events at {first} to {last}" : null;
    }
}
