namespace Streams.Testing;

/// <summary>A program of other makers that tests use as an honest peer or witness, running as a child process.</summary>
public sealed class ForeignTool : IAsyncDisposable
{
    private static readonly Dictionary<string, string> DebianPackages = new()
    {
        ["mosquitto"] = "mosquitto",
        ["mosquitto_pub"] = "mosquitto-clients",
        ["mosquitto_sub"] = "mosquitto-clients",
        ["mosquitto_rr"] = "mosquitto-clients",
        ["strace"] = "strace",
        ["mount"] = "mount",
        ["umount"] = "mount",
        ["mkfs.ext4"] = "e2fsprogs",
        ["e2fsck"] = "e2fsprogs",
        ["kcat"] = "kcat",
        ["etcd"] = "etcd-server",
        ["/usr/bin/python3"] = "python3",
        ["node"] = "nodejs",
    };

    private readonly ChildProcess _child;

    private ForeignTool(string name, ChildProcess child)
    {
        Name = name;
        _child = child;
    }

    public string Name { get; }

    public int Id => _child.Id;

    public bool HasExited => _child.HasExited;

    /// <inheritdoc cref="ChildProcess.ExitCode"/>
    public int? ExitCode => _child.ExitCode;

    /// <inheritdoc cref="ChildProcess.Lines"/>
    public IReadOnlyList<string> Lines => _child.Lines;

    /// <inheritdoc cref="ChildProcess.Report"/>
    public string Report => _child.Report;

    /// <summary>The full path of a tool.</summary>
    /// <exception cref="ToolMissingException">It is not installed; the message names the package.</exception>
    public static string Find(string name)
        => Locate(name) ?? throw new ToolMissingException(name, DebianPackages.GetValueOrDefault(name));

    /// <summary>Starts a tool and returns at once.</summary>
    /// <exception cref="ToolMissingException">It is not installed.</exception>
    public static ForeignTool Start(string name, params IReadOnlyList<string> arguments)
    {
        // Into a pipe the C library writes whole blocks: without line buffering a line would show only when the tool ends.
        // stdbuf (of coreutils) becomes the tool under the same process id.
        var program = Find(name);
        var child = Locate("stdbuf") is { } stdbuf
            ? ChildProcess.Start(stdbuf, ["--output=L", "--error=L", program, .. arguments])
            : ChildProcess.Start(program, arguments);
        return new ForeignTool(name, child);
    }

    /// <summary>Runs a tool to its end and gives its lines.</summary>
    /// <exception cref="ToolFailedException">It ended with another exit code than 0; with its output.</exception>
    /// <exception cref="NotReachedException">It did not end in time (default 20 s); it was killed.</exception>
    public static async Task<IReadOnlyList<string>> RunAsync(
        string name, IReadOnlyList<string> arguments, TimeSpan? limit = null, CancellationToken cancellationToken = default)
    {
        await using var tool = Start(name, arguments);
        tool.CloseInput();
        return await tool.WaitForExitAsync(limit, cancellationToken) == 0 ? tool.Lines : throw new ToolFailedException(tool.Report);
    }

    /// <inheritdoc cref="ChildProcess.WaitForLineAsync"/>
    public Task<string> WaitForLineAsync(
        Func<string, bool> predicate, string what = "the expected line", TimeSpan? limit = null,
        CancellationToken cancellationToken = default)
        => _child.WaitForLineAsync(predicate, what, limit, cancellationToken);

    /// <summary>Writes to the tool's standard input, as <c>mosquitto_pub -l</c> reads it.</summary>
    public Task WriteLineAsync(string line, CancellationToken cancellationToken = default)
        => _child.WriteLineAsync(line, cancellationToken);

    public void CloseInput() => _child.CloseInput();

    /// <inheritdoc cref="ChildProcess.WaitForExitAsync"/>
    public Task<int> WaitForExitAsync(TimeSpan? limit = null, CancellationToken cancellationToken = default)
        => _child.WaitForExitAsync(limit, cancellationToken);

    /// <inheritdoc cref="ChildProcess.KillAsync"/>
    public Task KillAsync(CancellationToken cancellationToken = default) => _child.KillAsync(cancellationToken);

    /// <inheritdoc cref="ChildProcess.TerminateAsync"/>
    public Task<int> TerminateAsync(TimeSpan? limit = null, CancellationToken cancellationToken = default)
        => _child.TerminateAsync(limit, cancellationToken);

    public ValueTask DisposeAsync() => _child.DisposeAsync();

    private static string? Locate(string name)
    {
        // Daemons live in sbin, which is not on every user's path.
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "") + ":/usr/sbin:/usr/local/sbin";
        return folders.Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, name))
            .FirstOrDefault(File.Exists);
    }
}

/// <summary>A tool the test needs is not installed on this machine.</summary>
public sealed class ToolMissingException : Exception
{
    public ToolMissingException(string tool, string? package)
        : base($"{tool} is not installed{(package is null ? "" : $" (Debian package {package})")}."
            + " This test talks to the real tool; `bash eng/tools.sh` installs what is missing.")
    {
    }
}

/// <summary>A tool ended with an error.</summary>
public sealed class ToolFailedException : Exception
{
    public ToolFailedException(string report)
        : base(report)
    {
    }
}
