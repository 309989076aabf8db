using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>What is left to do when a client is gone: its cursors, its record, its will. All within
/// <see cref="MqttGatewayOptions.CloseTimeout"/>.</summary>
internal sealed class SessionEnd(GatewayServices services)
{
    /// <summary>Does it; failures are logged, what was not committed comes again.</summary>
    public async Task RunAsync(MqttSession session)
    {
        ClientInfo client = session.Client;
        using CancellationTokenSource limit = new(services.Options.CloseTimeout, services.Time);
        try
        {
            await SettleAsync(session, limit.Token).ConfigureAwait(false);
            await session.Delivery.FinishAsync(limit.Token).ConfigureAwait(false);
            await LeaveAsync(session, limit.Token).ConfigureAwait(false);
            if (!session.SaidGoodbye && client.Will is { } will)
            {
                await PublishWillAsync(session, will, limit.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            GatewayLog.CloseTooSlow(services.Log, client.ClientId, services.Options.CloseTimeout);
        }
        catch (Exception e)
        {
            GatewayLog.SessionFailed(services.Log, client.ClientId, e);
        }
    }

    // The next connection is to find in the log what became of the messages of this one.
    private static async Task SettleAsync(MqttSession session, CancellationToken cancellationToken)
    {
        try
        {
            await session.Received.SettleAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (StreamsException)
        {
            // The client was not told that it was taken: it asks again.
        }
    }

    // The record belongs to the connection that wrote it last: when the client has gone on elsewhere, it is left alone.
    private async Task LeaveAsync(MqttSession session, CancellationToken cancellationToken)
    {
        ClientInfo client = session.Client;
        SessionStore sessions = new(services.Store, services.Time, services.Log);
        bool ownsRecord = sessions.Find(client.ClientId)?.Owner == session.Owner;
        if (!ownsRecord)
        {
            return;
        }

        try
        {
            if (!client.IsPersistent)
            {
                await sessions.RemoveAsync(client.ClientId, cancellationToken).ConfigureAwait(false);
                return;
            }

            await sessions.WriteWindowAsync(client.ClientId, session.Delivery.WindowRecord(), cancellationToken).ConfigureAwait(false);
            SessionRecord record = SessionRecord.Of(session, services.Time.GetUtcNow().ToUnixTimeMilliseconds());
            await sessions.WriteAsync(client.ClientId, SessionRecordFormat.Write(record), cancellationToken).ConfigureAwait(false);
        }
        catch (StreamsException e)
        {
            GatewayLog.SessionNotWritten(services.Log, client.ClientId, e.Message);
        }
    }

    private async Task PublishWillAsync(MqttSession session, MqttWill will, CancellationToken cancellationToken)
    {
        Answer answer = await new PlainPublisher(services).PublishAsync(will.Topic, will.Payload, will.Properties, will.Qos,
            will.Retain, null, null, false, cancellationToken).ConfigureAwait(false);
        if (answer.IsRefusal)
        {
            GatewayLog.WillLost(services.Log, session.Client.ClientId, will.Topic, answer.Reason ?? answer.Code.ToString());
        }
    }
}
