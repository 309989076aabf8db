namespace FieldTrial;

/// <summary>Finds a program that was built with a sample, and how it is run.</summary>
internal static class BuiltProgram
{
    /// <summary>The program and its first arguments.</summary>
    /// <exception cref="ClusterFailedException">It is not built.</exception>
    public static (string Program, IReadOnlyList<string> Arguments) Find(string area, string name, string? asked, string option)
    {
        string path = Path.GetFullPath(asked ?? Built(AppContext.BaseDirectory, area, name)
            ?? throw new ClusterFailedException(
                $"{name}.dll was not found beside this sample: build the repository, or name it with {option} PATH"));
        return path.EndsWith(".dll", StringComparison.OrdinalIgnoreCase) ? (Host(), [path]) : (path, []);
    }

    /// <summary>From samples/SAMPLE/bin/CONFIGURATION/FRAMEWORK to the program's own output of the same configuration.</summary>
    private static string? Built(string from, string area, string name)
    {
        DirectoryInfo output = new(from);
        string[] tail = ["bin", output.Parent?.Name ?? string.Empty, output.Name, $"{name}.dll"];
        for (DirectoryInfo? folder = output; folder is not null; folder = folder.Parent)
        {
            string candidate = Path.Combine([folder.FullName, area, name, .. tail]);
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
