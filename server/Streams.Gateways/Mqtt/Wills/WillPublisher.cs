using System.Text;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>Publishes wills as events that have an identity from CONNECT on: a will that is published again, after a kill or at another
/// cluster, is held already, or is a twin that readers skip.</summary>
/// <remarks>Safe for use by many threads. Each start of the gateway is a producer of its own whose sequences number the wills that it took
/// in. Wills taken in by an earlier process are published under that one's name.</remarks>
internal sealed class WillPublisher(GatewayServices services, ProducerId producer, ulong epoch)
{
    private const int MaxLines = 64;
    private const int MaxAttempts = 5;

    private readonly Lock _lock = new();
    private readonly Dictionary<ProducerId, Line> _lines = [];
    private readonly EventBatchBuilder _builder = new();
    private long _last;

    /// <summary>A producer's open session and what it sent last for each partition.</summary>
    private sealed class Line(ProducerSession session)
    {
        public ProducerSession Session => session;

        public Dictionary<StreamPartition, (ulong Epoch, long Sequence)> Sent { get; } = [];
    }

    /// <summary>The identity of a will that is taken in now.</summary>
    public EventIdentity Next() => new(producer, epoch, Interlocked.Increment(ref _last));

    /// <summary>Publishes a will; completes when it is flushed. Throws nothing: what may be tried again is answered with
    /// <see cref="MqttReasonCode.ImplementationSpecificError"/>.</summary>
    public async Task<Answer> PublishAsync(WillRecord will)
    {
        try
        {
            if (!TopicMap.TrySplit(will.Topic, out StreamPath stream, out ReadOnlyMemory<char> rest, out string? fault))
            {
                return new Answer(MqttReasonCode.TopicNameInvalid, fault);
            }

            byte[] topic = Encoding.UTF8.GetBytes(rest.ToArray());
            StreamSettings settings = services.Store.Settings(stream)
                ?? await new PlainPublisher(services).CreateAsync(stream, CancellationToken.None).ConfigureAwait(false);
            StreamPartition partition = new(stream, Partitioner.For(default, topic, settings.Partitions));
            return IsHeld(will.Identity, partition) ? Answer.Taken : await ProduceAsync(will, partition, topic).ConfigureAwait(false);
        }
        catch (StreamsException e)
        {
            return Answer.To(e, MqttReasonCode.QuotaExceeded);
        }
    }

    private async Task<Answer> ProduceAsync(WillRecord will, StreamPartition partition, byte[] topic)
    {
        ProduceResult result = default;
        for (int i = 0; i < MaxAttempts; i++)
        {
            result = await Send(will, partition, topic, out Line line).ConfigureAwait(false);
            switch (result.Refusal)
            {
                case ProduceRefusal.None:
                    services.Meter.Wills.Add(1);
                    services.Meter.Publishes.Add(1);
                    services.Meter.PublishBytes.Add(will.Payload.Length);
                    return Answer.Taken;
                case ProduceRefusal.Invalid:
                    return new Answer(MqttReasonCode.QuotaExceeded, result.Detail);
                case ProduceRefusal.OlderSession or ProduceRefusal.OutOfOrder:
                    Forget(will.Identity.Producer, line);
                    break;
            }
        }

        return new Answer(MqttReasonCode.ImplementationSpecificError, $"{result.Refusal}: {result.Detail}");
    }

    // Under the lock the batch only gets its place behind the one before it; it is written later.
    private Task<ProduceResult> Send(WillRecord will, StreamPartition partition, byte[] topic, out Line line)
    {
        lock (_lock)
        {
            line = LineOf(will.Identity.Producer);
            (ulong Epoch, long Sequence) before = line.Sent.GetValueOrDefault(partition);
            _builder.Clear();
            _builder.TryAdd(topic, default, will.Headers.Span, will.Payload.Span, Timestamp(will, partition.Stream, topic),
                isRetained: will.Retain);
            EventBatch batch = _builder.Build(will.Identity, before, mayHaveTwins: true);
            line.Sent[partition] = (will.Identity.Epoch, will.Identity.Sequence);
            return services.Store.ProduceAsync(line.Session, partition, AfterVector.Empty, batch, CancellationToken.None).AsTask();
        }
    }

    // A retained will is the topic's last word, whatever the clock here says.
    private long Timestamp(WillRecord will, StreamPath stream, byte[] topic)
    {
        long now = services.NowMicroseconds;
        return will.Retain && services.Store.RetainedHead(stream, topic) is { } head && head.TimestampMicroseconds >= now
            && head.TimestampMicroseconds < long.MaxValue ? head.TimestampMicroseconds + 1 : now;
    }

    private bool IsHeld(EventIdentity identity, StreamPartition partition)
    {
        foreach (HeldRun held in services.Store.Held(identity.Producer, partition, identity.Sequence))
        {
            if (held.Run.Epoch == identity.Epoch && held.Run.First <= identity.Sequence)
            {
                return true;
            }
        }

        return false;
    }

    private Line LineOf(ProducerId of)
    {
        if (_lines.TryGetValue(of, out Line? line))
        {
            return line;
        }

        if (_lines.Count >= MaxLines)
        {
            _lines.Clear();                          // who is under way is refused, and tries again
        }

        return _lines[of] = new Line(services.Store.BeginProducer(of));
    }

    private void Forget(ProducerId of, Line line)
    {
        lock (_lock)
        {
            if (_lines.TryGetValue(of, out Line? kept) && kept == line)
            {
                _lines.Remove(of);
            }
        }
    }
}
