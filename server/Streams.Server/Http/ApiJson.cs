using System.Text.Json.Serialization;

namespace Streams.Server;

/// <summary>The JSON of the HTTP API, generated at compile time.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(HealthAnswer))]
[JsonSerializable(typeof(ProblemAnswer))]
[JsonSerializable(typeof(StreamsAnswer))]
[JsonSerializable(typeof(SettingsAnswer))]
[JsonSerializable(typeof(long))]
[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(LanesAnswer))]
[JsonSerializable(typeof(LaneDamageAnswer))]
[JsonSerializable(typeof(DigestAnswer))]
[JsonSerializable(typeof(CursorsAnswer))]
[JsonSerializable(typeof(TopicsAnswer))]
[JsonSerializable(typeof(StatusAnswer))]
[JsonSerializable(typeof(LinksAnswer))]
[JsonSerializable(typeof(ChainsAnswer))]
internal sealed partial class ApiJson : JsonSerializerContext;
