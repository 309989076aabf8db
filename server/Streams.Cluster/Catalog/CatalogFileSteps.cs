namespace Streams.Cluster;

/// <summary>What is made of the steps.</summary>
internal static class CatalogFileSteps
{
    /// <summary>Gives a damaged file another name, for people to look at. One that was set aside before is replaced.</summary>
    public static string SetAside(this ICatalogFiles files, string path)
    {
        string aside = path + DataDirectory.DamagedSuffix;
        files.Replace(path, aside);
        files.FlushDirectory(Path.GetDirectoryName(path)!);
        return aside;
    }

    /// <summary>Puts <paramref name="bytes"/> in the place of a file: after a crash at any step it is the old or the new one,
    /// whole.</summary>
    public static void WriteWhole(this ICatalogFiles files, string path, ReadOnlySpan<byte> bytes)
    {
        string beside = path + DataDirectory.TemporarySuffix;
        files.Write(beside, bytes);
        files.Replace(beside, path);
        files.FlushDirectory(Path.GetDirectoryName(path)!);
    }
}
