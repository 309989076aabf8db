namespace Streams.Testing;

/// <summary>
/// A fresh directory of its own for one test. Deleted on disposal; a failure to delete is only printed. With STREAMS_TESTS_KEEP=1 it
/// stays and its path is printed.
/// </summary>
public sealed class TemporaryDirectory : IDisposable
{
    public const string KeepVariable = "STREAMS_TESTS_KEEP";

    private readonly bool _keep;

    public TemporaryDirectory()
        : this(Environment.GetEnvironmentVariable(KeepVariable) == "1")
    {
    }

    internal TemporaryDirectory(bool keep)
    {
        _keep = keep;
        FullName = Directory.CreateTempSubdirectory("streams-tests-").FullName;
    }

    /// <summary>The absolute path.</summary>
    public string FullName { get; }

    /// <summary>A path below the directory; nothing is created.</summary>
    public string Combine(params ReadOnlySpan<string> parts) => Path.Combine([FullName, .. parts]);

    /// <summary>Creates a directory below this one, with its parents.</summary>
    public string CreateDirectory(params ReadOnlySpan<string> parts) => Directory.CreateDirectory(Combine(parts)).FullName;

    public override string ToString() => FullName;

    public void Dispose()
    {
        if (_keep)
        {
            Console.WriteLine($"{KeepVariable}=1: kept {FullName}");
            return;
        }

        try
        {
            Directory.Delete(FullName, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // The test deleted it itself.
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Console.WriteLine($"Could not delete {FullName}: {exception.Message}");
        }
    }
}
