using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>A producer presents itself: this connection becomes its newest session here (rule R2) and learns what is held of it (rules
/// R1, R3).</summary>
internal sealed class HelloHandler : ISdkHandler
{
    /// <inheritdoc/>
    public string Topic => ProtocolTopics.Hello;

    /// <inheritdoc/>
    public async Task<Answer> HandleAsync(MqttSession session, ReadOnlyMemory<byte> payload)
    {
        if (HelloRequest.Read(payload) is not { } request)
        {
            return SdkAnswers.Malformed("hello");
        }

        SdkConnection sdk = session.Sdk;
        if (!sdk.Producers.ContainsKey(request.Producer) && sdk.Producers.Count >= sdk.MaxProducers)
        {
            return new Answer(MqttReasonCode.ImplementationSpecificError,
                $"at most {sdk.MaxProducers} producers on one connection");
        }

        IEventStore store = session.Services.Store;
        sdk.Producers[request.Producer] = store.BeginProducer(request.Producer);
        HelloReply reply = SdkDecisions.Hello(store, request);
        sdk.Send(ProtocolTopics.HelloReply, reply.Write);
        await session.Connection.FlushAsync(session.Stopping).ConfigureAwait(false);
        return Answer.Taken;
    }
}
