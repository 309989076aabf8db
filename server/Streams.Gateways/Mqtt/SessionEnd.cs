using Streams.Core;

namespace Streams.Gateways;

/// <summary>What is left to do when a client is gone: its cursors, its record, its will. Each within
/// <see cref="MqttGatewayOptions.CloseTimeout"/>.</summary>
internal sealed class SessionEnd(GatewayServices services)
{
    /// <summary>Does it; failures are logged, what was not committed comes again.</summary>
    public async Task RunAsync(MqttSession session)
    {
        ClientInfo client = session.Client;
        await WithinAsync(client, token => SettleAsync(session, token)).ConfigureAwait(false);
        await WithinAsync(client, token => session.Delivery.FinishAsync(token)).ConfigureAwait(false);
        await WithinAsync(client, token => LeaveAsync(session, token)).ConfigureAwait(false);
        await WithinAsync(client, token => services.Keeper.Wills.EndAsync(session).WaitAsync(token)).ConfigureAwait(false);
    }

    // A part that takes too long, or fails, leaves the others to be done.
    private async Task WithinAsync(ClientInfo client, Func<CancellationToken, Task> part)
    {
        using CancellationTokenSource limit = new(services.Options.CloseTimeout, services.Time);
        try
        {
            await part(limit.Token).ConfigureAwait(false);
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
        if (!client.UsesLog)
        {
            return;
        }

        SessionStore sessions = new(services.Store, services.Time, services.Log);
        byte[] record = client.IsPersistent
            ? SessionRecordFormat.Write(SessionRecord.Of(session, services.Time.GetUtcNow().ToUnixTimeMilliseconds())) : [];
        try
        {
            services.Keeper.Unwritten(client.ClientId);   // until it is written
            bool isOurs = await sessions.LeaveAsync(client.ClientId, session.Owner, record, cancellationToken).ConfigureAwait(false);
            services.Keeper.Back(client.ClientId);
            if (isOurs && client.IsPersistent)
            {
                services.Keeper.Left(client.ClientId, client.ExpirySeconds);
                await session.Delivery.WriteWindowAsync(cancellationToken).ConfigureAwait(false);
            }
            else if (isOurs)
            {
                await sessions.ClearExchangeAsync(client.ClientId, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (StreamsException e)
        {
            GatewayLog.SessionNotWritten(services.Log, client.ClientId, e.Message);
        }
    }
}
