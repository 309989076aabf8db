using System.Reflection;

namespace Streams.Testing;

/// <summary>Where the sources and the built programs of this repository are, seen from a running test.</summary>
public static class Repository
{
    private static readonly Lazy<string> FoundRoot = new(FindRoot);

    /// <summary>The directory that holds Streams.sln.</summary>
    public static string Root => FoundRoot.Value;

    /// <summary>Debug or Release: the configuration this library, and so the test, was built in.</summary>
    public static string Configuration { get; } =
        typeof(Repository).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()?.Configuration ?? "Debug";

    /// <summary>The dotnet command that runs this process, or the one on the path.</summary>
    public static string DotnetHost
    {
        get
        {
            var own = Environment.ProcessPath;
            return Path.GetFileNameWithoutExtension(own) == "dotnet"
                ? own!
                : Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        }
    }

    /// <summary>The built assembly of a program, for example <c>server/Streams.Server</c>.</summary>
    /// <exception cref="FileNotFoundException">It is not built in this configuration.</exception>
    public static string BuiltProgram(string projectFolder)
    {
        var folder = Path.Combine(Root, projectFolder);
        var name = Path.GetFileName(folder.TrimEnd('/'));
        var path = Path.Combine(folder, "bin", Configuration, "net10.0", name + ".dll");
        return File.Exists(path)
            ? path
            : throw new FileNotFoundException($"{path} is missing: build {projectFolder} with -c {Configuration} first.", path);
    }

    private static string FindRoot()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "Streams.sln")))
            {
                return directory.FullName;
            }
        }

        throw new DirectoryNotFoundException($"No Streams.sln above {AppContext.BaseDirectory}.");
    }
}
