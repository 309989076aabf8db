using System.Text.Json.Serialization;

namespace Streams.EdgeAgent;

/// <summary>The answer of <c>/health</c>.</summary>
/// <param name="Status"><c>ready</c>, <c>starting</c>, <c>draining</c>, <c>refusing</c> (the disk is full or refuses) or
/// <c>failed</c>.</param>
/// <param name="Reason">Why it is not ready.</param>
/// <param name="Loop">Why nothing goes up though agents answer: they are uplinks of each other.</param>
internal sealed record HealthAnswer(string Status, string? Reason, string? Loop = null);

/// <summary>The answer of <c>/api/v1/status</c>.</summary>
internal sealed record StatusAnswer(string Agent, string Origin, string Status, string? Reason, string Version, double UptimeSeconds,
    string? Loop, string Path, int Connections, int Subscriptions, long Events, long EventsTaken, long StoreBytes,
    long StoreMaxBytes, long StoreCommits,
    IReadOnlyDictionary<string, string> Listeners, IReadOnlyList<RouteAnswer> Routes);

/// <summary>What waits to go up under a route.</summary>
internal sealed record RouteAnswer(string Name, long Events, long Bytes);

/// <summary>How answers become JSON, without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(HealthAnswer))]
[JsonSerializable(typeof(StatusAnswer))]
internal sealed partial class AgentJson : JsonSerializerContext;
