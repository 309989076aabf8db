using Microsoft.Win32.SafeHandles;
using Streams.Core;
using Streams.Storage;

namespace Streams.Cluster;

/// <summary>The steps on the real disk.</summary>
internal sealed class CatalogFiles : ICatalogFiles
{
    public byte[]? Read(string path)
    {
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (file.Length > SealedFile.MaxBytes)
            {
                throw new DamagedFileException($"{path} is damaged: {file.Length} bytes, at most {SealedFile.MaxBytes} are possible");
            }

            byte[] bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    public void CreateDirectory(string path)
    {
        string full = Path.GetFullPath(path);
        if (Directory.Exists(full))
        {
            return;
        }

        string? parent = Path.GetDirectoryName(full);
        if (parent is not null)
        {
            CreateDirectory(parent);
        }

        Directory.CreateDirectory(full);
        if (parent is not null)
        {
            FlushDirectory(parent);
        }
    }

    public void Write(string path, ReadOnlySpan<byte> bytes)
    {
        using SafeFileHandle file = File.OpenHandle(path, FileMode.Create, FileAccess.Write, FileShare.Read);
        RandomAccess.Write(file, bytes, 0);
        StableStorage.Flush(file, path);
    }

    public void Replace(string from, string to) => File.Move(from, to, overwrite: true);

    public void FlushDirectory(string path) => StableStorage.FlushDirectory(path);
}
