using Streams.Core;

namespace Streams.Gateways;

/// <summary>What a session remembers of the exchanges of packets that are not over, of this connection and of earlier ones.</summary>
/// <param name="Received">The identifiers of what the client publishes.</param>
/// <param name="Window">What the client is given.</param>
internal sealed record ExchangeState(ReceivedIds Received, OutboundWindow Window)
{
    /// <summary>That of a session which begins, or goes on when <paramref name="isKept"/>.</summary>
    public static ExchangeState Load(GatewayServices services, ClientInfo client, ProducerId owner, bool isKept) => new(
        ReceivedMarks.Load(services, client.ClientId, owner, isKept),
        WindowRecord.Load(services, client, owner, isKept));
}
