namespace Streams.Cluster.Tests;

/// <summary>The real disk until a step is reached; from then on nothing happens any more, as after a crash.</summary>
internal sealed class CrashingFiles(int stepsBeforeCrash) : ICatalogFiles
{
    private readonly CatalogFiles _disk = new();
    private int _left = stepsBeforeCrash;

    public bool Crashed { get; private set; }

    public byte[]? Read(string path) => _disk.Read(path);

    public void CreateDirectory(string path) => Step(() => _disk.CreateDirectory(path));

    public void Write(string path, ReadOnlySpan<byte> bytes)
    {
        byte[] copy = bytes.ToArray();
        if (_left == 0)
        {
            _disk.Write(path, copy.AsSpan(0, copy.Length / 2));      // torn
        }

        Step(() => _disk.Write(path, copy));
    }

    public void Replace(string from, string to) => Step(() => _disk.Replace(from, to));

    public void FlushDirectory(string path) => Step(() => _disk.FlushDirectory(path));

    private void Step(Action step)
    {
        if (_left-- <= 0)
        {
            Crashed = true;
            throw new CrashException();
        }

        step();
    }
}

internal sealed class CrashException : Exception;
