using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>A consumer opens a stream: begins at the join of the cluster's cursor and its own (rule R11), or at the start it asks
/// for.</summary>
internal sealed class OpenHandler : ISdkHandler
{
    /// <inheritdoc/>
    public string Topic => ProtocolTopics.Open;

    /// <inheritdoc/>
    public async Task<Answer> HandleAsync(MqttSession session, ReadOnlyMemory<byte> payload)
    {
        if (OpenRequest.Read(payload) is not { } request)
        {
            return SdkAnswers.Malformed("open");
        }

        if (Refusal(session, request) is { } refusal)
        {
            return refusal;
        }

        GatewayServices services = session.Services;
        int partitions = SdkDecisions.Partitions(services.Store, request.Stream);
        (PartitionId, Cursor)[] cursors = SdkDecisions.Begin(services.Store, services.Horizon, request, partitions, out bool isLatest);
        SdkSubscription subscription = new(session, request, cursors);
        OpenReply reply = new(request.Subscription, services.Store.Origin, partitions, cursors);
        session.Sdk.Send(ProtocolTopics.OpenReply, reply.Write);
        session.Sdk.Add(subscription);
        GatewayLog.Opened(services.Log, session.Client.ClientId, request.Consumer.Value, request.Stream.Value, request.Subscription);
        if (isLatest && services.Store.Settings(request.Stream) is not null)
        {
            // Or a partition without a commit until the consumer comes back, perhaps elsewhere, would begin anew, at later heads.
            await Task.WhenAll(cursors.Select(c =>
                services.Store.CommitAsync(request.Consumer, new StreamPartition(request.Stream, c.Item1), c.Item2,
                session.Stopping).AsTask())).ConfigureAwait(false);
        }

        await session.Connection.FlushAsync(session.Stopping).ConfigureAwait(false);
        return Answer.Taken;
    }

    private static Answer? Refusal(MqttSession session, OpenRequest request)
    {
        if (!SdkAnswers.IsForClients(request.Stream))
        {
            return new Answer(MqttReasonCode.NotAuthorized, $"{request.Stream} belongs to the system");
        }

        if (request.Consumer.Value.StartsWith(ConnectHandler.CursorPrefix, StringComparison.Ordinal))
        {
            return new Answer(MqttReasonCode.NotAuthorized,
                $"consumer '{request.Consumer}': names that begin with '{ConnectHandler.CursorPrefix}' are those of MQTT sessions");
        }

        if (request.Consumer.Value.StartsWith(ShareName.CursorPrefix, StringComparison.Ordinal))
        {
            return new Answer(MqttReasonCode.NotAuthorized, $"consumer '{request.Consumer}': names that begin with "
                + $"'{ShareName.CursorPrefix}' are those of shared subscriptions of MQTT");
        }

        if (session.Sdk.Find(request.Subscription) is not null)
        {
            return new Answer(MqttReasonCode.PayloadFormatInvalid,
                $"subscription {request.Subscription} is open already on this connection");
        }

        if (session.SubscriptionCount >= session.Services.Options.MaxSubscriptions)
        {
            return new Answer(MqttReasonCode.ImplementationSpecificError,
                $"at most {session.Services.Options.MaxSubscriptions} subscriptions are taken");
        }

        foreach (string filter in request.Filters)
        {
            if ((filter.Length > 0 && TopicFilter.FaultInFilter(filter, shares: false) is not null)
                || TopicFilter.CountLevels(filter) > TopicFilterTree<string>.MaximumLevels)
            {
                return new Answer(MqttReasonCode.PayloadFormatInvalid, $"'{filter}' is no topic filter");
            }

            if (!session.Services.Access.Allows(session.Client.Subject, AccessAction.Subscribe, request.Stream, filter))
            {
                return new Answer(MqttReasonCode.NotAuthorized, $"subscribing to {request.Stream}:{filter} is not allowed");
            }
        }

        return request.Filters.Count > 0
            || session.Services.Access.Allows(session.Client.Subject, AccessAction.Subscribe, request.Stream, "#") ? null
            : new Answer(MqttReasonCode.NotAuthorized, $"subscribing to {request.Stream} is not allowed");
    }
}
