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
    public async ValueTask PrepareAsync(MqttSession session, ReadOnlyMemory<byte> payload)
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

    /// <inheritdoc/>
    public int Held(ReadOnlyMemory<byte> payload) => payload.Length
        + (ProduceRequest.TryRead(payload, out ProduceRequest request) ? BatchHeader.PeekUnpackedBytes(request.Batch.Span) : 0);

    /// <inheritdoc/>
    public Task<Answer> HandleAsync(MqttSession session, ReadOnlyMemory<byte> payload)
    {
        if (!ProduceRequest.TryRead(payload, out ProduceRequest request))
        {
            return Task.FromResult(SdkAnswers.Malformed("produce"));
        }

        if (!EventBatch.TryParse(request.Batch, out EventBatch? batch, out string? fault))
        {
            return Task.FromResult(new Answer(MqttReasonCode.PayloadFormatInvalid, fault));
        }

        StreamPath stream = request.Partition.Stream;
        if (!SdkAnswers.IsForClients(stream) || DeniedTopic(session, stream, batch!) is not null)
        {
            return Task.FromResult(new Answer(MqttReasonCode.NotAuthorized, $"producing to {stream} with these topics is not allowed"));
        }

        if (!session.Sdk.Producers.TryGetValue(batch!.Header.Producer, out ProducerSession producer))
        {
            return Task.FromResult(new Answer(MqttReasonCode.ImplementationSpecificError,
                $"{nameof(ProduceRefusal.OutOfOrder)}: this producer has not said hello on this connection"));
        }

        return ProduceAsync(session, producer, request, batch);
    }

    // Up to the call of the store nothing is waited for: batches keep their order.
    private static async Task<Answer> ProduceAsync(MqttSession session, ProducerSession producer, ProduceRequest request, EventBatch batch)
    {
        GatewayServices services = session.Services;
        StreamPath stream = request.Partition.Stream;
        StreamSettings settings = services.Store.Settings(stream) ?? throw new TryAgainException($"{stream} could not be made");
        if (request.Partition.Partition.Value >= settings.Partitions)
        {
            return new Answer(MqttReasonCode.PayloadFormatInvalid,
                $"{stream} has {settings.Partitions} partitions, this is for number {request.Partition.Partition}");
        }

        ProduceResult result =
            await services.Store.ProduceAsync(producer, request.Partition, request.After, batch,
                CancellationToken.None).ConfigureAwait(false);
        if (result.Refusal != ProduceRefusal.None)
        {
            GatewayLog.BatchRefused(services.Log, session.Client.ClientId, request.Partition.ToString(),
                $"{result.Refusal}: {result.Detail}");
            return new Answer(result.Refusal == ProduceRefusal.Invalid ? MqttReasonCode.PayloadFormatInvalid
                : MqttReasonCode.ImplementationSpecificError, $"{result.Refusal}: {result.Detail}");
        }

        services.Meter.Publishes.Add(batch.Header.Count);
        services.Meter.PublishBytes.Add(batch.Bytes.Length);
        return new Answer(MqttReasonCode.Success, null, result.Placed);
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
