using System.Globalization;
using System.Text;
using Streams.Core;

namespace Streams.Bench;

/// <summary>A batch's bytes, made once and sent again and again with other sequences: making events is not what is measured, but checking
/// the batch, as whoever receives it must, is.</summary>
internal sealed class BatchSlot
{
    private readonly byte[] _bytes;
    private readonly BatchHeader _header;

    private BatchSlot(EventBatch batch)
    {
        _bytes = batch.Bytes.ToArray();
        _header = batch.Header;
    }

    public int Events => _header.Count;

    /// <summary>A batch of so many events, whose topics are those from <paramref name="firstTopic"/> on out of
    /// <paramref name="topics"/>; the first event may have another one.</summary>
    public static BatchSlot Make(int events, int payloadBytes, int firstTopic = 0, int topics = 1, string? first = null)
    {
        EventBatchBuilder builder = new();
        byte[] payload = new byte[payloadBytes];
        new Random(firstTopic + 1).NextBytes(payload);
        for (int i = 0; i < events; i++)
        {
            string topic = i == 0 && first is not null ? first
                : string.Create(CultureInfo.InvariantCulture, $"car-{(firstTopic + i) % topics:d7}/telemetry");
            if (!builder.TryAdd(Encoding.UTF8.GetBytes(topic), default, default, payload, i))
            {
                throw new InvalidOperationException($"{events} events of {payloadBytes} bytes do not fit a batch");
            }
        }

        return new BatchSlot(builder.Build(new EventIdentity(ProducerId.ForName("any"), 1, 1), default, mayHaveTwins: false));
    }

    /// <summary>The batch with other sequences. The one before must be answered.</summary>
    public EventBatch Send(ProducerId producer, long sequence)
    {
        BatchHeader header = _header with
        {
            Producer = producer,
            FirstSequence = sequence,
            PredecessorEpoch = sequence == 1 ? 0UL : 1UL,
            PredecessorSequence = sequence - 1,
        };
        header.Write(_bytes);
        return EventBatch.Parse(_bytes);
    }
}
