using Streams.Core;

namespace Streams.Cluster;

/// <summary>What checking one small file of the catalog found.</summary>
/// <param name="Path">The file.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Fault">What is wrong with it; empty when nothing is.</param>
public sealed record CatalogFileCheck(string Path, long Bytes, string Fault);

/// <summary>What checking the catalog of a data directory found.</summary>
/// <param name="Files">The files that are there, or should be.</param>
/// <param name="Witness">What the witness saw, when it is there and good.</param>
/// <param name="Containers">The folders of containers.</param>
public sealed record CatalogReport(IReadOnlyList<CatalogFileCheck> Files, WitnessRecord? Witness, IReadOnlyList<string> Containers);

/// <summary>Checks the small files of a data directory without locking or changing anything.</summary>
public static class CatalogVerifier
{
    /// <summary>Whether a folder is a data directory.</summary>
    public static bool IsDataDirectory(string directory) => File.Exists(System.IO.Path.Combine(directory, DataDirectory.IdentityFile))
        || File.Exists(System.IO.Path.Combine(directory, DataDirectory.CatalogFile))
        || Directory.Exists(System.IO.Path.Combine(directory, DataDirectory.Container));

    /// <summary>Reads and checks all of them, and whether they fit together.</summary>
    /// <param name="directory">The data directory.</param>
    /// <param name="witness">The witness file; <see langword="null"/> for its default place.</param>
    public static CatalogReport Verify(string directory, string? witness)
    {
        List<CatalogFileCheck> files = [];

        // The witness is written after the catalog, so it is read before it: a live server does not look rolled back.
        WitnessRecord? seen = Read(witness ?? DataDirectory.DefaultWitness(directory), required: witness is not null, files,
            CatalogJson.Default.WitnessRecord);
        IdentityRecord? identity = Read(In(DataDirectory.IdentityFile), required: true, files, CatalogJson.Default.IdentityRecord);
        CatalogRecord? catalog = Read(In(DataDirectory.CatalogFile), required: false, files, CatalogJson.Default.CatalogRecord);
        _ = Read(In(DataDirectory.NeighboursFile), required: false, files, CatalogJson.Default.NeighboursRecord);
        if (identity is not null && catalog is not null && catalog.Cluster != identity.Cluster)
        {
            Fault(files, In(DataDirectory.CatalogFile),
                $"it is of cluster '{catalog.Cluster}', the directory belongs to '{identity.Cluster}'");
        }

        if (seen is not null && identity is not null && seen.Cluster != identity.Cluster)
        {
            Fault(files, files[0].Path, $"it watches cluster '{seen.Cluster}', the directory belongs to '{identity.Cluster}'");
        }
        else if (seen is not null && catalog is not null && seen.Starts > catalog.Starts)
        {
            Fault(files, In(DataDirectory.CatalogFile),
                $"it knows of {catalog.Starts} starts, the witness saw {seen.Starts}: an older copy");
        }

        string container = In(DataDirectory.Container);
        return new CatalogReport(files, seen, Directory.Exists(container) ? [container] : []);

        string In(string name) => System.IO.Path.Combine(directory, name);
    }

    private static T? Read<T>(string path, bool required, List<CatalogFileCheck> files,
        System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
        where T : SealedRecord
    {
        long length = 0;
        try
        {
            byte[]? bytes = new CatalogFiles().Read(path);
            length = bytes?.Length ?? 0;
            T? record = bytes is null ? null : SealedFile.Read(path, bytes, type);
            if (record is not null || required)
            {
                files.Add(new CatalogFileCheck(path, length, record is null ? "it is missing" : string.Empty));
            }

            return record;
        }
        catch (Exception cause) when (cause is StreamsException or DamagedFileException or IOException or UnauthorizedAccessException)
        {
            files.Add(new CatalogFileCheck(path, length, cause.Message));
            return null;
        }
    }

    private static void Fault(List<CatalogFileCheck> files, string path, string fault)
    {
        int at = files.FindIndex(f => f.Path == path);
        files[at] = files[at] with { Fault = fault };
    }
}
