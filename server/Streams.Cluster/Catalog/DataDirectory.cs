using Streams.Core;

namespace Streams.Cluster;

/// <summary>The names inside a data directory.</summary>
internal static class DataDirectory
{
    public const string LockFile = "lock";
    public const string HolderFile = "pid";
    public const string IdentityFile = "identity";
    public const string CatalogFile = "catalog.json";
    public const string NeighboursFile = "neighbours.json";
    public const string Container = "c0";
    public const string TemporarySuffix = ".new";

    /// <summary>What is appended to the name of a damaged file that was set aside.</summary>
    public const string DamagedSuffix = ".damaged";

    /// <summary>Why a directory without an identity may not become a data directory, or <see langword="null"/>.</summary>
    public static string? Stranger(string directory)
    {
        foreach (string entry in Directory.EnumerateFileSystemEntries(directory))
        {
            string name = Path.GetFileName(entry);
            if (name is not (LockFile or HolderFile or IdentityFile + TemporarySuffix or CatalogFile + TemporarySuffix
                or IdentityFile + DamagedSuffix or CatalogFile + DamagedSuffix or "lost+found"))
            {
                return name is CatalogFile or Container
                    ? $"data directory {directory} holds '{name}', but its identity file and its catalog are missing or damaged: "
                        + "nothing says whose it is"
                    : $"{directory} is no data directory of Streams and not empty (it holds '{name}'): name an empty or a new one";
            }
        }

        return null;
    }

    /// <summary>Where the witness is when nothing else is configured.</summary>
    public static string DefaultWitness(string directory) => Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory)) + ".witness";

    /// <summary>The error of a directory that belongs to another cluster.</summary>
    public static ConfigurationException Foreign(string what, ClusterName owner, ClusterName wanted) =>
        new($"{what} belongs to cluster '{owner}', not '{wanted}'");
}
