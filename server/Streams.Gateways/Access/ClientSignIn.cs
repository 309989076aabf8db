using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>Asks who a client is, within the time that it has for CONNECT.</summary>
internal static class ClientSignIn
{
    /// <summary>What a client is told that is not let in: nothing that helps to guess.</summary>
    public static readonly (MqttReasonCode Code, string Reason) Refusal =
        (MqttReasonCode.BadUserNameOrPassword, "not let in: what is asked for here was not shown, or is wrong");

    /// <summary>Whom the client is taken for; <see langword="null"/> when it is not let in.</summary>
    /// <exception cref="OperationCanceledException">It took too long, or the client is gone.</exception>
    public static async ValueTask<AccessSubject?> AskAsync(GatewayServices services, AccessSubject claimed, byte[]? password,
        CancellationToken cancellationToken)
    {
        if (services.Clients is not { } clients)
        {
            return claimed;
        }

        using CancellationTokenSource limit = new(services.Options.ConnectTimeout, services.Time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        return await clients.SignInAsync(claimed, password, either.Token).ConfigureAwait(false);
    }
}
