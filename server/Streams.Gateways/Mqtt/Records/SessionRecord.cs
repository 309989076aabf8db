using Streams.Core;

namespace Streams.Gateways;

/// <summary>A session as the log keeps it: register <c>session/{client}</c> of <c>/$mqtt</c>. Its bytes:
/// <see cref="SessionRecordFormat"/>.</summary>
internal sealed class SessionRecord
{
    /// <summary>The stream of all sessions.</summary>
    public static readonly StreamPath Stream = StreamPath.Parse("/$mqtt");

    private const string KeyPrefix = "session/";

    /// <summary>An expiry that never comes.</summary>
    public const uint NeverExpires = uint.MaxValue;

    /// <summary>Seconds that the session outlives its connection.</summary>
    public required uint ExpirySeconds { get; init; }

    /// <summary>When the client went, in milliseconds since 1970; 0 while it is connected.</summary>
    public required long GoneAt { get; init; }

    /// <summary>Which connection at which cluster has the session.</summary>
    public required string Owner { get; init; }

    /// <summary>Under which identity the session's messages with QoS 2 are events; zeros in a record of version 1, without one.</summary>
    public ProducerId Producer { get; init; }

    /// <summary>Filters and bases.</summary>
    public required SessionSubscriptions Subscriptions { get; init; }

    /// <summary>The register's key.</summary>
    public static string Key(string clientId) => KeyPrefix + clientId;

    /// <summary>The client whose session a register is.</summary>
    public static bool TryClient(string key, out string clientId)
    {
        bool isSession = key.StartsWith(KeyPrefix, StringComparison.Ordinal);
        clientId = isSession ? key[KeyPrefix.Length..] : string.Empty;
        return isSession;
    }

    /// <summary>Whether nobody may go on with it any more.</summary>
    public bool IsExpired(DateTimeOffset now) =>
        GoneAt > 0 && ExpirySeconds != NeverExpires && now.ToUnixTimeMilliseconds() - GoneAt >= ExpirySeconds * 1000L;

    /// <summary>A connected session as it is now: call it on its delivery loop, or behind its end.</summary>
    /// <param name="session">The session.</param>
    /// <param name="goneAt">As <see cref="GoneAt"/>.</param>
    /// <param name="subscriptions">Filters and bases where they are not those that the session has now.</param>
    public static SessionRecord Of(MqttSession session, long goneAt = 0, SessionSubscriptions? subscriptions = null) => new()
    {
        ExpirySeconds = session.Client.ExpirySeconds,
        GoneAt = goneAt,
        Owner = session.Owner,
        Producer = session.Producer,
        Subscriptions = subscriptions ?? session.Delivery.Subscriptions,
    };
}
