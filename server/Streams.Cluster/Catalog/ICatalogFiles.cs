namespace Streams.Cluster;

/// <summary>The steps on disk of which the catalog's writes are made, so that a test can stop at each of them.</summary>
internal interface ICatalogFiles
{
    /// <summary>The bytes of a file, or <see langword="null"/> when it is not there.</summary>
    byte[]? Read(string path);

    /// <summary>Makes the directory, and its parents, durably.</summary>
    void CreateDirectory(string path);

    /// <summary>Writes a file from its beginning, cutting what was there, and flushes it to stable storage.</summary>
    void Write(string path, ReadOnlySpan<byte> bytes);

    /// <summary>Puts a file in the place of another, atomically.</summary>
    void Replace(string from, string to);

    /// <summary>Flushes a directory, so that the names in it outlive a crash.</summary>
    void FlushDirectory(string path);
}
