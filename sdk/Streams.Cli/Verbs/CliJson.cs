using System.Text.Json.Serialization;

namespace Streams.Cli;

/// <summary>How the answers of all verbs are written and the HTTP API's are read: camel case, without what is not there.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(InspectAnswer))]
[JsonSerializable(typeof(VerifyAnswer))]
[JsonSerializable(typeof(RepairAnswer))]
[JsonSerializable(typeof(WhyAnswer))]
[JsonSerializable(typeof(RefusedDone))]
[JsonSerializable(typeof(PublishAnswer))]
[JsonSerializable(typeof(ReceiptAnswer))]
[JsonSerializable(typeof(CursorsAnswer))]
[JsonSerializable(typeof(BenchAnswer))]
[JsonSerializable(typeof(StatusLine))]
[JsonSerializable(typeof(HealthAnswer))]
[JsonSerializable(typeof(ServerStatus))]
internal sealed partial class CliJson : JsonSerializerContext;
