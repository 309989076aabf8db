using System.Text.Json.Serialization;
using Streams.Core;

namespace Streams.Cluster;

/// <summary>What all small files of the catalog have in common: a format number first and a checksum last.</summary>
public abstract record SealedRecord
{
    /// <summary>The version of the format.</summary>
    [JsonPropertyOrder(-1)]
    public int Format { get; init; } = SealedFile.CurrentFormat;

    /// <summary>CRC-32C, 8 hexadecimal digits, over the record written with an empty checksum.</summary>
    [JsonPropertyOrder(1)]
    public string Checksum { get; init; } = string.Empty;
}

/// <summary>The file <c>identity</c>: written once when the data directory is made and never again, so that its inode and creation time
/// stay.</summary>
/// <param name="Cluster">The cluster that the directory belongs to.</param>
public sealed record IdentityRecord(ClusterName Cluster) : SealedRecord;

/// <summary>The file <c>catalog.json</c>: rewritten, atomically, at every start and for every new incarnation.</summary>
/// <param name="Cluster">The cluster that the directory belongs to.</param>
/// <param name="Incarnation">The incarnation that its own lanes are written under.</param>
/// <param name="Starts">How often the directory was started.</param>
/// <param name="IdentityFile">The file <c>identity</c> as it was when the incarnation was opened.</param>
public sealed record CatalogRecord(ClusterName Cluster, Incarnation Incarnation, long Starts, FileMark IdentityFile) : SealedRecord
{
    /// <summary>Where the container's log ended when the incarnation was opened: damage before that cost none of its entries. 0 in a file
    /// of a version that did not note it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long OpenedAt { get; init; }
}

/// <summary>The witness, outside the data directory: what was seen of it, so that an old copy put in its place is known for what it
/// is.</summary>
/// <param name="Cluster">The cluster watched.</param>
/// <param name="Incarnation">The incarnation last written under.</param>
/// <param name="Starts">How often the directory was started.</param>
/// <param name="Entries">How many entries its own lanes of this incarnation were seen to hold, flushed; the directory may hold more,
/// never fewer.</param>
public sealed record WitnessRecord(ClusterName Cluster, Incarnation Incarnation, long Starts, long Entries) : SealedRecord;
