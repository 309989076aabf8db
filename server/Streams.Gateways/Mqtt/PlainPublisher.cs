using System.Text;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>Takes messages of clients without an outbox into the log: each becomes an event of its topic, without a key.</summary>
internal sealed class PlainPublisher(GatewayServices services)
{
    /// <summary>Appends a message; completes when it is flushed. Called in the order of the messages, it appends in that
    /// order.</summary>
    /// <param name="topic">The MQTT topic.</param>
    /// <param name="payload">Must not change until it completes.</param>
    /// <param name="properties">Kept as headers.</param>
    /// <param name="qos">As published.</param>
    /// <param name="retain">Whether it is to be the topic's retained message from now on; without payload, whether there is to be
    /// none.</param>
    /// <param name="client">Whose it is: the client id.</param>
    /// <param name="marksOwn">Whether that is kept with the event, as No Local needs it.</param>
    /// <param name="mark">What says, in the log, that it was taken; <see langword="null"/> where nothing does.</param>
    /// <param name="isNew">Whether a mark that is there is older than the message.</param>
    /// <param name="cancellationToken">Ends the wait, not the append.</param>
    /// <exception cref="StorageFailedException">QoS 2 only: nobody knows whether it was taken. Any answer could be wrong, so the client is
    /// to ask again over another connection.</exception>
    public async Task<Answer> PublishAsync(string topic, ReadOnlyMemory<byte> payload, MqttProperties? properties, MqttQos qos,
        bool retain, string client, bool marksOwn, Mark? mark, bool isNew, CancellationToken cancellationToken)
    {
        try
        {
            if (!TopicMap.TrySplit(topic, out StreamPath stream, out ReadOnlyMemory<char> rest, out string? fault))
            {
                return new Answer(MqttReasonCode.TopicNameInvalid, fault);
            }

            byte[] name = Encoding.UTF8.GetBytes(rest.ToArray());
            if (!TopicName.IsValid(name))
            {
                return new Answer(MqttReasonCode.TopicNameInvalid, "control characters are not allowed in a topic");
            }

            byte[] headers = MqttHeaders.Encode(properties, qos, marksOwn ? client : null);
            StreamSettings settings = services.Store.Settings(stream)
                ?? await CreateAsync(stream, cancellationToken).ConfigureAwait(false);
            StreamPartition partition = new(stream, Partitioner.For(default, name, settings.Partitions));
            PlainEvent plain = new(name, default, headers, payload, services.NowMicroseconds, retain, client);
            if (mark is { } once)
            {
                if (await services.Store.AppendOnceAsync(partition, plain, once, isNew, cancellationToken).ConfigureAwait(false) is null)
                {
                    return Answer.Taken;
                }
            }
            else
            {
                await services.Store.AppendPlainAsync(partition, plain, cancellationToken).ConfigureAwait(false);
            }

            services.Meter.Publishes.Add(1);
            services.Meter.PublishBytes.Add(payload.Length);
            return Answer.Taken;
        }
        catch (Exception e) when (e is OperationCanceledException
            || (e is StreamsException && !(e is StorageFailedException && qos == MqttQos.ExactlyOnce)))
        {
            return Answer.To(e, MqttReasonCode.QuotaExceeded);
        }
    }

    /// <summary>Sees to it that the stream of a topic is there, so that appends that follow do not wait for it and keep their
    /// order.</summary>
    public async ValueTask PrepareAsync(string topic, CancellationToken cancellationToken)
    {
        if (TopicMap.TrySplit(topic, out StreamPath stream, out _, out _) && services.Store.Settings(stream) is null)
        {
            try
            {
                await CreateAsync(stream, cancellationToken).ConfigureAwait(false);
            }
            catch (StreamsException)
            {
                // The append says it.
            }
        }
    }

    /// <summary>Makes the stream of a topic that is not there yet.</summary>
    /// <exception cref="InvalidRequestException">Topics may make no more.</exception>
    public async ValueTask<StreamSettings> CreateAsync(StreamPath stream, CancellationToken cancellationToken)
    {
        services.TopicStreams.Enter(stream);
        try
        {
            StreamSettings settings = await services.Store.EnsureStreamAsync(stream, cancellationToken).ConfigureAwait(false);
            services.Roster.Look();
            return settings;
        }
        finally
        {
            services.TopicStreams.Leave(stream);
        }
    }
}
