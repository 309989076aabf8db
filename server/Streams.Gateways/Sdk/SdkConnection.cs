using System.Buffers;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>What one client does as an SDK: its producer sessions, its subscriptions, and the handlers of the verbs
/// (docs/sdk-protocol.md). Belongs to the
/// session's read loop.</summary>
internal sealed class SdkConnection
{
    /// <summary>Most producers on a connection that did not say that it sends for many.</summary>
    public const int MaxProducersOfOne = 64;

    /// <summary>Most producers at once on a connection that sends for many: each takes some 100 bytes here, and those who have nothing to
    /// send leave.</summary>
    public const int MaxProducersOfMany = 16_384;

    private readonly MqttSession _session;
    private readonly Dictionary<string, ISdkHandler> _handlers = new(StringComparer.Ordinal);
    private readonly Dictionary<uint, SdkSubscription> _subscriptions = [];

    public SdkConnection(MqttSession session)
    {
        _session = session;
        Add(new HelloHandler(), new ProduceHandler(), new OpenHandler(), new CommitHandler(), new CreditHandler(), new ResumeHandler(),
            new CloseHandler(), new SeekHandler(), new LagHandler());
        if (session.Client.SendsBundles)
        {
            Add(new HellosHandler(), new BundleHandler());
        }
    }

    /// <summary>The sessions of the producers that said hello on this connection (rule R2).</summary>
    public Dictionary<ProducerId, ProducerSession> Producers { get; } = [];

    /// <summary>Most of them.</summary>
    public int MaxProducers => _session.Client.SendsBundles ? MaxProducersOfMany : MaxProducersOfOne;

    /// <summary>Open subscriptions.</summary>
    public int SubscriptionCount { get; private set; }

    /// <summary>Hands a message to the handler of its verb. Begun here, in the order of the messages; answered when it is done.</summary>
    public async ValueTask HandleAsync(string topic, MqttPublishPacket packet)
    {
        Task<Answer> work;
        int length = (int)packet.Payload.Length;
        if (!_session.Client.IsV5)
        {
            work = Task.FromResult(new Answer(MqttReasonCode.ImplementationSpecificError, "the SDK's protocol needs MQTT 5"));
        }
        else if (!_handlers.TryGetValue(topic, out ISdkHandler? handler))
        {
            work = Task.FromResult(new Answer(MqttReasonCode.TopicNameInvalid, $"'{topic}' is none of the SDK's topics"));
        }
        else
        {
            // A copy that lives as long as the log wants it: batches keep the bytes they were read from.
            byte[] payload = packet.Payload.ToArray();
            length = handler.Held(payload);
            await handler.PrepareAsync(_session, payload).ConfigureAwait(false);
            work = RunAsync(handler, payload);
        }

        await _session.Inbound.AddAsync(packet.PacketId, topic, work, length, _session.Stopping).ConfigureAwait(false);
    }

    /// <summary>A subscription, or <see langword="null"/>.</summary>
    public SdkSubscription? Find(uint subscription) => _subscriptions.GetValueOrDefault(subscription);

    /// <summary>Adds a subscription and begins to deliver.</summary>
    public void Add(SdkSubscription subscription)
    {
        _subscriptions.Add(subscription.Number, subscription);
        SubscriptionCount = _subscriptions.Count;
        subscription.Start();
    }

    /// <summary>Ends a subscription; completes when nothing more is delivered.</summary>
    public async Task CloseAsync(SdkSubscription subscription)
    {
        _subscriptions.Remove(subscription.Number);
        SubscriptionCount = _subscriptions.Count;
        await subscription.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Ends all of it, with the session.</summary>
    public Task EndAsync() => Task.WhenAll(_subscriptions.Values.Select(static s => s.DisposeAsync().AsTask()));

    /// <summary>Writes a message to the client as <see cref="Send(string, ReadOnlyMemory{byte})"/> does, made by whoever knows its
    /// form.</summary>
    public void Send(string topic, MessageWrite write)
    {
        ArrayBufferWriter<byte> output = new();
        ByteWriter writer = new(output);
        write(ref writer);
        Send(topic, output.WrittenMemory);
    }

    /// <summary>Writes a message to the client, QoS 0; it goes out with the next flush.</summary>
    public void Send(string topic, ReadOnlyMemory<byte> payload) =>
        _session.Connection.WritePublish(new MqttPublishHead { Topic = topic }, new ReadOnlySequence<byte>(payload));

    /// <summary>As <see cref="Send(string, ReadOnlyMemory{byte})"/>, from outside the session; false when the connection is gone.</summary>
    public bool TrySend(string topic, ReadOnlyMemory<byte> payload)
    {
        try
        {
            Send(topic, payload);
            return true;
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            return false;
        }
    }

    private async Task<Answer> RunAsync(ISdkHandler handler, byte[] payload)
    {
        try
        {
            return await handler.HandleAsync(_session, payload).ConfigureAwait(false);
        }
        catch (Exception e) when (e is StreamsException or OperationCanceledException or MqttProtocolException)
        {
            return Answer.To(e, MqttReasonCode.PayloadFormatInvalid);
        }
    }

    private void Add(params ReadOnlySpan<ISdkHandler> handlers)
    {
        foreach (ISdkHandler handler in handlers)
        {
            _handlers.Add(handler.Topic, handler);
        }
    }
}

/// <summary>Writes a message of the SDK's protocol.</summary>
internal delegate void MessageWrite(ref ByteWriter writer);
