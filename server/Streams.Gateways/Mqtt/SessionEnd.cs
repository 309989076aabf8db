using Streams.Core;

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
            await session.Delivery.FinishAsync(limit.Token).ConfigureAwait(false);
            await LeaveAsync(session, limit.Token).ConfigureAwait(false);
            await services.Keeper.Wills.EndAsync(session).WaitAsync(limit.Token).ConfigureAwait(false);
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

            SessionRecord record = SessionRecord.Of(session, services.Time.GetUtcNow().ToUnixTimeMilliseconds());
            await sessions.WriteAsync(client.ClientId, SessionRecordFormat.Write(record), cancellationToken).ConfigureAwait(false);
            services.Keeper.Left(client.ClientId, client.ExpirySeconds);
        }
        catch (StreamsException e)
        {
            GatewayLog.SessionNotWritten(services.Log, client.ClientId, e.Message);
            services.Keeper.Unwritten(client.ClientId);
        }
    }
}
