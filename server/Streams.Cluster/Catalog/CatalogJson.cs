using System.Text.Json;
using System.Text.Json.Serialization;
using Streams.Core;

namespace Streams.Cluster;

/// <summary>The JSON of the catalog's files, generated at compile time.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, NewLine = "\n",
    RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true,
    Converters = [typeof(ClusterNameConverter), typeof(IncarnationConverter)])]
[JsonSerializable(typeof(IdentityRecord))]
[JsonSerializable(typeof(CatalogRecord))]
[JsonSerializable(typeof(WitnessRecord))]
[JsonSerializable(typeof(NeighboursRecord))]
[JsonSerializable(typeof(StoredCatalogRecord))]
internal sealed partial class CatalogJson : JsonSerializerContext;

/// <summary>A cluster name as text.</summary>
internal sealed class ClusterNameConverter : JsonConverter<ClusterName>
{
    public override ClusterName Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        ClusterName.TryParse(reader.GetString(), out ClusterName name, out string? fault) ? name : throw new JsonException(fault);

    public override void Write(Utf8JsonWriter writer, ClusterName value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.Value);
}

/// <summary>An incarnation as 16 hexadecimal digits.</summary>
internal sealed class IncarnationConverter : JsonConverter<Incarnation>
{
    public override Incarnation Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Incarnation.TryParse(reader.GetString(), out Incarnation value)
            ? value
            : throw new JsonException("an incarnation has 16 hexadecimal digits");

    public override void Write(Utf8JsonWriter writer, Incarnation value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString());
}
