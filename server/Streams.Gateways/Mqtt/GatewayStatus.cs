namespace Streams.Gateways;

/// <summary>What the gateway has now.</summary>
/// <param name="Connections">Open connections, those that have not said CONNECT yet included.</param>
/// <param name="Sessions">Connected clients.</param>
/// <param name="PersistentSessions">Those of them whose session outlives the connection.</param>
/// <param name="Subscriptions">Filters and SDK subscriptions of all of them.</param>
/// <param name="IsDraining">Whether no new connection is taken.</param>
/// <param name="HintedWindow">Over how long SDK clients are told to spread when this cluster is lost.</param>
public readonly record struct GatewayStatus(int Connections, int Sessions, int PersistentSessions, int Subscriptions, bool IsDraining,
    TimeSpan HintedWindow)
{
    /// <summary>Shared subscriptions that have members here.</summary>
    public int Shares { get; init; }
}
