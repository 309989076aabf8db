using Streams.Cluster;
using Streams.Core;
using Streams.Storage;

namespace Streams.Server;

/// <summary>What a verb was pointed at: a data directory, or the folder of one container.</summary>
internal static class DataFolders
{
    /// <summary>The containers in it.</summary>
    /// <exception cref="ConfigurationException">It is neither.</exception>
    public static IReadOnlyList<string> Containers(string directory)
    {
        if (!Directory.Exists(directory))
        {
            throw new ConfigurationException($"'{directory}': there is no such directory");
        }

        if (CatalogVerifier.IsDataDirectory(directory))
        {
            return CatalogVerifier.Verify(directory, null).Containers;
        }

        return StoreVerifier.IsContainer(directory) ? [directory]
            : throw new ConfigurationException($"'{directory}' is no data directory of Streams, and no container");
    }
}
