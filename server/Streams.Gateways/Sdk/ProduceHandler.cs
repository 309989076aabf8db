using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>A batch for the own lane. Batches are given to the store in the order in which they came, many under way; each is answered
/// when it is flushed or refused.</summary>
internal sealed class ProduceHandler : ISdkHandler
{
    /// <inheritdoc/>
    public string Topic => ProtocolTopics.Produce;

    /// <summary>Makes the stream of a first batch: batches that follow must not overtake it while it waits.</summary>
    public ValueTask PrepareAsync(MqttSession session, ReadOnlyMemory<byte> payload) => EnsureStreamAsync(session, payload);

    /// <inheritdoc/>
    public int Held(ReadOnlyMemory<byte> payload) => payload.Length + Unpacked(payload);

    /// <inheritdoc/>
    public Task<Answer> HandleAsync(MqttSession session, ReadOnlyMemory<byte> payload) =>
        Check(session, payload, out ProducedBatch produced) is { } refusal ? Task.FromResult(refusal) : ProduceAsync(session, produced);

    /// <summary>Makes the stream of a batch that may be taken, when it is not known here.</summary>
    public static async ValueTask EnsureStreamAsync(MqttSession session, ReadOnlyMemory<byte> payload)
    {
        GatewayServices services = session.Services;
        if (!ProduceRequest.TryRead(payload, out ProduceRequest request) || services.Store.Settings(request.Partition.Stream) is not null
            || !SdkAnswers.IsForClients(request.Partition.Stream) || !session.Sdk.Producers.ContainsKey(Producer(request)))
        {
            return;
        }

        try
        {
            await services.Store.EnsureStreamAsync(request.Partition.Stream, session.Stopping).ConfigureAwait(false);
            services.Roster.Look();
        }
        catch (StreamsException)
        {
            // The batch is answered with it.
        }
    }

    /// <summary>Bytes that a batch takes unpacked, as far as can be seen.</summary>
    public static int Unpacked(ReadOnlyMemory<byte> payload) =>
        ProduceRequest.TryRead(payload, out ProduceRequest request) ? BatchHeader.PeekUnpackedBytes(request.Batch.Span) : 0;

    /// <summary>Looks at a batch. Gives it to be produced, or why it is refused before the store is asked.</summary>
    public static Answer? Check(MqttSession session, ReadOnlyMemory<byte> payload, out ProducedBatch produced)
    {
        produced = default;
        if (!ProduceRequest.TryRead(payload, out ProduceRequest request))
        {
            return SdkAnswers.Malformed("produce");
        }

        if (!EventBatch.TryParse(request.Batch, out EventBatch? batch, out string? fault))
        {
            return new Answer(MqttReasonCode.PayloadFormatInvalid, fault);
        }

        StreamPath stream = request.Partition.Stream;
        if (!SdkAnswers.IsForClients(stream) || DeniedTopic(session, stream, batch!) is not null)
        {
            return new Answer(MqttReasonCode.NotAuthorized, $"producing to {stream} with these topics is not allowed");
        }

        if (!session.Sdk.Producers.TryGetValue(batch!.Header.Producer, out ProducerSession producer))
        {
            return new Answer(MqttReasonCode.ImplementationSpecificError,
                $"{nameof(ProduceRefusal.OutOfOrder)}: this producer has not said hello on this connection");
        }

        if (session.Services.Store.Settings(stream) is not { } settings)
        {
            return new Answer(MqttReasonCode.ImplementationSpecificError,
                $"{nameof(ProduceRefusal.NotWriting)}: {stream} could not be made");
        }

        if (request.Partition.Partition.Value >= settings.Partitions)
        {
            return new Answer(MqttReasonCode.PayloadFormatInvalid,
                $"{stream} has {settings.Partitions} partitions, this is for number {request.Partition.Partition}");
        }

        produced = new ProducedBatch(producer, request.Partition, request.After, batch);
        return null;
    }

    /// <summary>What the store made of a batch, as it is answered; counted, and logged when it was refused.</summary>
    public static Answer ToAnswer(MqttSession session, in ProducedBatch produced, in ProduceResult result)
    {
        GatewayServices services = session.Services;
        if (result.Refusal != ProduceRefusal.None)
        {
            GatewayLog.BatchRefused(services.Log, session.Client.ClientId, produced.Partition.ToString(),
                $"{result.Refusal}: {result.Detail}");
            return new Answer(result.Refusal == ProduceRefusal.Invalid ? MqttReasonCode.PayloadFormatInvalid
                : MqttReasonCode.ImplementationSpecificError, $"{result.Refusal}: {result.Detail}");
        }

        services.Meter.Publishes.Add(produced.Batch.Header.Count);
        services.Meter.PublishBytes.Add(produced.Batch.Bytes.Length);
        return new Answer(MqttReasonCode.Success, null, result.Placed);
    }

    // Up to the call of the store nothing is waited for: batches keep their order.
    private static async Task<Answer> ProduceAsync(MqttSession session, ProducedBatch produced)
    {
        ProduceResult result = await session.Services.Store.ProduceAsync(produced.Session, produced.Partition, produced.After,
            produced.Batch, CancellationToken.None).ConfigureAwait(false);
        return ToAnswer(session, produced, result);
    }

    private static ProducerId Producer(in ProduceRequest request) =>
        BatchHeader.TryRead(request.Batch.Span, out BatchHeader header, out _) ? header.Producer : default;

    // Topics repeat in a batch: each run of one topic is asked about once.
    private static string? DeniedTopic(MqttSession session, StreamPath stream, EventBatch batch)
    {
        Span<char> text = stackalloc char[TopicName.MaxBytes];
        ReadOnlyMemory<byte> last = default;
        bool first = true;
        foreach (EventView view in batch.Events)
        {
            if (!first && view.Topic.Span.SequenceEqual(last.Span))
            {
                continue;
            }

            first = false;
            last = view.Topic;
            ReadOnlySpan<char> topic = text[..System.Text.Encoding.UTF8.GetChars(last.Span, text)];
            if (!session.Services.Access.Allows(session.Client.Subject, AccessAction.Publish, stream, topic))
            {
                return topic.ToString();
            }
        }

        return null;
    }
}
