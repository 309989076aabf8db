namespace FleetFailover;

/// <summary>Finds the server that was built with this sample, and how it is run.</summary>
internal static class ServerProgram
{
    private const string Name = "Streams.Server";

    /// <summary>The program and its first arguments.</summary>
    /// <exception cref="ClusterFailedException">It is not built.</exception>
    public static (string Program, IReadOnlyList<string> Arguments) Find(string? asked)
    {
        string path = Path.GetFullPath(asked ?? Built(AppContext.BaseDirectory)
            ?? throw new ClusterFailedException(
                $"{Name}.dll was not found beside this sample: build the repository, or name it with --server PATH"));
        return path.EndsWith(".dll", StringComparison.OrdinalIgnoreCase) ? (Host(), [path]) : (path, []);
    }

    /// <summary>From samples/FleetFailover/bin/CONFIGURATION/FRAMEWORK to the server's own output of the same configuration.</summary>
    private static string? Built(string from)
    {
        DirectoryInfo output = new(from);
        string[] tail = ["bin", output.Parent?.Name ?? string.Empty, output.Name, $"{Name}.dll"];
        for (DirectoryInfo? folder = output; folder is not null; folder = folder.Parent)
        {
            string candidate = Path.Combine([folder.FullName, "server", Name, .. tail]);
            if (File.Exists(candidate))
            {
                return candidate;
            }
        }

        return null;
    }

    /// <summary>The host that runs this sample, if it is one.</summary>
    private static string Host() => Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } host ? host
        : Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? Environment.ProcessPath! : "dotnet";
}
