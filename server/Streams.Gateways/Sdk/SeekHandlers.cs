using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>A consumer asks where to go on. Nothing is moved: the client commits the new generation of its cursor when it has kept it
/// (rules R11, R17).</summary>
internal sealed class SeekHandler : ISdkHandler
{
    /// <inheritdoc/>
    public string Topic => ProtocolTopics.Seek;

    /// <inheritdoc/>
    public async Task<Answer> HandleAsync(MqttSession session, ReadOnlyMemory<byte> payload)
    {
        if (SeekRequest.Read(payload) is not { } request)
        {
            return SdkAnswers.Malformed("seek");
        }

        if (session.Sdk.Find(request.Subscription) is not { } subscription)
        {
            return SdkAnswers.NotOpen(request.Subscription);
        }

        IEventStore store = session.Services.Store;
        if (SdkDecisions.Seek(store, subscription.Consumer, subscription.Stream, request, out string? fault) is not { } cursors)
        {
            return new Answer(MqttReasonCode.PayloadFormatInvalid, fault!);
        }

        SeekReply reply = new(request.Subscription, store.Origin, cursors);
        session.Sdk.Send(ProtocolTopics.SeekReply, reply.Write);
        await session.Connection.FlushAsync(session.Stopping).ConfigureAwait(false);
        return Answer.Taken;
    }
}

/// <summary>A consumer asks how far it is behind.</summary>
internal sealed class LagHandler : ISdkHandler
{
    /// <inheritdoc/>
    public string Topic => ProtocolTopics.Lag;

    /// <inheritdoc/>
    public async Task<Answer> HandleAsync(MqttSession session, ReadOnlyMemory<byte> payload)
    {
        if (LagRequest.Read(payload) is not { } request)
        {
            return SdkAnswers.Malformed("lag");
        }

        if (session.Sdk.Find(request.Subscription) is not { } subscription)
        {
            return SdkAnswers.NotOpen(request.Subscription);
        }

        GatewayServices services = session.Services;
        LagReply reply = new(request.Subscription, await SdkDecisions.LagAsync(services.Store, subscription.Stream, request,
            services.Time.GetUtcNow(), session.Stopping).ConfigureAwait(false));
        session.Sdk.Send(ProtocolTopics.LagReply, reply.Write);
        await session.Connection.FlushAsync(session.Stopping).ConfigureAwait(false);
        return Answer.Taken;
    }
}
