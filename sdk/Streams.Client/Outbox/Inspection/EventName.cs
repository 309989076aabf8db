using System.Globalization;
using Streams.Core;

namespace Streams.Client;

/// <summary>How people name an event of an outbox: <c>/fleet#3:17</c> (stream, partition, sequence), its identity
/// <c>PRODUCER/EPOCH:17</c> or <c>EPOCH:17</c> as receipts and logs have it, or the number of its row.</summary>
internal readonly record struct EventName(StreamPartition? Partition, ulong? Epoch, long Sequence, long? Row)
{
    /// <summary>Reads a name.</summary>
    public static bool TryParse(string text, out EventName name)
    {
        name = default;
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long row))
        {
            name = new EventName(null, null, OutboxDatabase.SequenceOf(row), row);
            return true;
        }

        int colon = text.LastIndexOf(':');
        if (colon < 1 || !long.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out long sequence)
            || sequence >= 1L << OutboxDatabase.SequenceBits)
        {
            return false;
        }

        string head = text[..colon];
        int hash = head.LastIndexOf('#');
        if (hash > 0 && int.TryParse(head.AsSpan(hash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int partition)
            && partition < PartitionId.MaxCount && StreamPath.TryParse(head[..hash], out StreamPath stream, out _))
        {
            name = new EventName(new StreamPartition(stream, new PartitionId(partition)), null, sequence, null);
            return true;
        }

        string epoch = head[(head.LastIndexOf('/') + 1)..];
        if (epoch.Length == 16 && ulong.TryParse(epoch, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong value))
        {
            name = new EventName(null, value, sequence, null);
            return true;
        }

        return false;
    }
}
