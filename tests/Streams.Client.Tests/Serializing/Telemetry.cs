using System.Text.Json.Serialization;

namespace Streams.Client.Tests;

internal sealed record Telemetry(int Number, string Text);

[JsonSerializable(typeof(Telemetry))]
internal sealed partial class TelemetryContext : JsonSerializerContext;

[JsonSerializable(typeof(Telemetry))]
[JsonSourceGenerationOptions(WriteIndented = true)]
internal sealed partial class IndentedContext : JsonSerializerContext;
