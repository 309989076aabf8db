using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>The client has confirmed a cursor: ground for skipping twins at once (rule R19e), answered when it is flushed.</summary>
internal sealed class CommitHandler : ISdkHandler
{
    /// <inheritdoc/>
    public string Topic => ProtocolTopics.Commit;

    /// <inheritdoc/>
    public async Task<Answer> HandleAsync(MqttSession session, ReadOnlyMemory<byte> payload)
    {
        if (CommitRequest.Read(payload) is not { } request)
        {
            return SdkAnswers.Malformed("commit");
        }

        if (session.Sdk.Find(request.Subscription) is not { } subscription)
        {
            return SdkAnswers.NotOpen(request.Subscription);
        }

        if (!subscription.Confirm(request.Partition, request.Cursor))
        {
            return new Answer(MqttReasonCode.PayloadFormatInvalid, $"partition {request.Partition} is not of this subscription");
        }

        await session.Services.Store.CommitAsync(subscription.Consumer, new StreamPartition(subscription.Stream, request.Partition),
            request.Cursor, CancellationToken.None).ConfigureAwait(false);
        return Answer.Taken;
    }
}

/// <summary>The client can take more.</summary>
internal sealed class CreditHandler : ISdkHandler
{
    /// <inheritdoc/>
    public string Topic => ProtocolTopics.Credit;

    /// <inheritdoc/>
    public Task<Answer> HandleAsync(MqttSession session, ReadOnlyMemory<byte> payload)
    {
        if (!CreditGrant.TryRead(payload, out CreditGrant grant))
        {
            return Task.FromResult(SdkAnswers.Malformed("credit"));
        }

        // One that was closed while the grant was under way is no error.
        session.Sdk.Find(grant.Subscription)?.Grant(grant.Bytes);
        return Task.FromResult(Answer.Taken);
    }
}

/// <summary>The client threw away what followed in a lane and wants it again (rule R19f).</summary>
internal sealed class ResumeHandler : ISdkHandler
{
    /// <inheritdoc/>
    public string Topic => ProtocolTopics.Resume;

    /// <inheritdoc/>
    public async Task<Answer> HandleAsync(MqttSession session, ReadOnlyMemory<byte> payload)
    {
        if (!ResumeRequest.TryRead(payload, out ResumeRequest request))
        {
            return SdkAnswers.Malformed("resume");
        }

        if (session.Sdk.Find(request.Subscription) is not { } subscription)
        {
            return SdkAnswers.NotOpen(request.Subscription);
        }

        return await subscription.ResumeAsync(request).ConfigureAwait(false) ? Answer.Taken
            : new Answer(MqttReasonCode.PayloadFormatInvalid,
                $"{request.Origin}:{request.From} of partition {request.Partition} was never sent");
    }
}

/// <summary>The client wants no more of a subscription.</summary>
internal sealed class CloseHandler : ISdkHandler
{
    /// <inheritdoc/>
    public string Topic => ProtocolTopics.Close;

    /// <inheritdoc/>
    public async Task<Answer> HandleAsync(MqttSession session, ReadOnlyMemory<byte> payload)
    {
        if (!CloseRequest.TryRead(payload, out CloseRequest request))
        {
            return SdkAnswers.Malformed("close");
        }

        if (session.Sdk.Find(request.Subscription) is not { } subscription)
        {
            return SdkAnswers.NotOpen(request.Subscription);
        }

        await session.Sdk.CloseAsync(subscription).ConfigureAwait(false);
        return Answer.Taken;
    }
}
