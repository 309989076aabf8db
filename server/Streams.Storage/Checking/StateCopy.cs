using Microsoft.Data.Sqlite;

namespace Streams.Storage;

/// <summary>A copy of the state file among the system's temporary files, true to one moment though a live server may write the
/// original.</summary>
internal sealed class StateCopy : IDisposable
{
    private const int Tries = 20;
    private const int WalHeaderBytes = 32;

    private readonly string _folder = Directory.CreateTempSubdirectory("streams-verify-").FullName;

    private StateCopy()
    {
    }

    private string Copied => System.IO.Path.Combine(_folder, StateFile.FileName);

    /// <summary>Copies; <see langword="null"/> when the original does not rest for long enough.</summary>
    /// <exception cref="IOException">The system refused.</exception>
    public static StateCopy? TryMake(string path)
    {
        StateCopy copy = new();
        try
        {
            for (int i = 0; i < Tries; i++)
            {
                if (copy.TryCopy(path))
                {
                    return copy;
                }
            }
        }
        catch
        {
            copy.Dispose();
            throw;
        }

        copy.Dispose();
        return null;
    }

    public SqliteConnection Open()
    {
        SqliteConnection connection = new(new SqliteConnectionStringBuilder { DataSource = Copied, Pooling = false }.ToString());
        connection.Open();
        return connection;
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // Pages get into the main file from the write-ahead log, which is begun anew, under a new salt in its header, only when all are
    // there. So as long as the header is the same before and after, whatever was half written in the main file stands whole in the log.
    private bool TryCopy(string path)
    {
        byte[] before = WalHeader(path);
        Copy(path, Copied);
        File.Delete(Copied + "-wal");
        if (File.Exists(path + "-wal"))
        {
            Copy(path + "-wal", Copied + "-wal");
        }

        return before.AsSpan().SequenceEqual(WalHeader(Copied)) && before.AsSpan().SequenceEqual(WalHeader(path));
    }

    private static byte[] WalHeader(string path)
    {
        string wal = path + "-wal";
        if (!File.Exists(wal))
        {
            return [];
        }

        using FileStream file = OpenShared(wal);
        byte[] header = new byte[WalHeaderBytes];
        return header[..file.ReadAtLeast(header, header.Length, throwOnEndOfStream: false)];
    }

    private static void Copy(string from, string to)
    {
        using FileStream source = OpenShared(from);
        using FileStream target = new(to, FileMode.Create, FileAccess.Write);
        source.CopyTo(target, 1 << 20);
    }

    private static FileStream OpenShared(string path) =>
        new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
}
