using System.Text.Json.Serialization;
using Streams.Client;
using Streams.Core;

namespace WorkerService;

/// <summary>What the car says.</summary>
internal sealed record Telemetry(int Number, int Speed);

[JsonSerializable(typeof(Telemetry))]
internal sealed partial class TelemetryContext : JsonSerializerContext;

/// <summary>What both workers agree on.</summary>
internal static class Names
{
    public static readonly StreamPath Fleet = StreamPath.Parse("/fleet");
    public static readonly TopicName Telemetry = TopicName.Parse("car-17/telemetry");
    public static readonly IEventSerializer<Telemetry> Json = EventSerializer.Json(TelemetryContext.Default.Telemetry);
}
