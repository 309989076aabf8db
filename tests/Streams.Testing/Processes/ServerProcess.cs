namespace Streams.Testing;

/// <summary>
/// The real server as a child process, in the configuration the test was built in. Kill it, start another with the same options, and it
/// has the same name, data and ports.
/// </summary>
public sealed class ServerProcess : IAsyncDisposable
{
    private readonly ChildProcess _child;

    private ServerProcess(ServerProcessOptions options, ChildProcess child)
    {
        Options = options;
        _child = child;
    }

    public ServerProcessOptions Options { get; }

    public int Id => _child.Id;

    public bool HasExited => _child.HasExited;

    /// <inheritdoc cref="ChildProcess.ExitCode"/>
    public int? ExitCode => _child.ExitCode;

    /// <inheritdoc cref="ChildProcess.Lines"/>
    public IReadOnlyList<string> Lines => _child.Lines;

    /// <inheritdoc cref="ChildProcess.Report"/>
    public string Report => _child.Report;

    public Uri HttpAddress => new($"http://127.0.0.1:{Options.HttpPort}/");

    /// <summary>Starts the process and returns at once: it need not be up yet, nor come up at all.</summary>
    /// <exception cref="FileNotFoundException">The server is not built in this configuration.</exception>
    public static ServerProcess Start(ServerProcessOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        string[] command =
            [.. options.RunUnder, Repository.DotnetHost, Repository.BuiltProgram("server/Streams.Server"), .. options.ToArguments()];
        return new ServerProcess(options, ChildProcess.Start(command[0], command[1..], environment: options.Environment));
    }

    /// <summary>Starts the process and waits until it is healthy; if that fails nothing is left running.</summary>
    public static async Task<ServerProcess> StartHealthyAsync(
        ServerProcessOptions options, TimeSpan? limit = null, CancellationToken cancellationToken = default)
    {
        var server = Start(options);
        try
        {
            await server.WaitUntilHealthyAsync(limit, cancellationToken);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits until <c>GET /health</c> answers 200.</summary>
    /// <exception cref="NotReachedException">Not in time (default 60 s), or the process ended; with its output.</exception>
    public async Task WaitUntilHealthyAsync(TimeSpan? limit = null, CancellationToken cancellationToken = default)
    {
        using var http = new HttpClient { BaseAddress = HttpAddress, Timeout = TimeSpan.FromSeconds(5) };
        var seen = "no answer";
        await Eventually.TrueAsync(
            async () =>
            {
                if (HasExited)
                {
                    return true;
                }

                seen = "no answer";
                using var answer = await http.GetAsync(new Uri("health", UriKind.Relative), cancellationToken);
                seen = $"{(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(cancellationToken)}";
                return answer.IsSuccessStatusCode;
            },
            $"cluster {Options.ClusterName} is healthy", limit ?? TimeSpan.FromSeconds(60), () => $"{seen}; {Report}", cancellationToken);
        if (HasExited)
        {
            await _child.WaitForExitAsync(cancellationToken: cancellationToken);
            throw new NotReachedException($"The server of cluster {Options.ClusterName} ended instead of becoming healthy: {Report}");
        }
    }

    /// <inheritdoc cref="ChildProcess.WaitForLineAsync"/>
    public Task<string> WaitForLineAsync(
        Func<string, bool> predicate, string what, TimeSpan? limit = null, CancellationToken cancellationToken = default)
        => _child.WaitForLineAsync(predicate, what, limit, cancellationToken);

    /// <inheritdoc cref="ChildProcess.KillAsync"/>
    public Task KillAsync(CancellationToken cancellationToken = default) => _child.KillAsync(cancellationToken);

    /// <inheritdoc cref="ChildProcess.TerminateAsync"/>
    public Task<int> TerminateAsync(TimeSpan? limit = null, CancellationToken cancellationToken = default)
        => _child.TerminateAsync(limit, cancellationToken);

    /// <inheritdoc cref="ChildProcess.WaitForExitAsync"/>
    public Task<int> WaitForExitAsync(TimeSpan? limit = null, CancellationToken cancellationToken = default)
        => _child.WaitForExitAsync(limit, cancellationToken);

    /// <inheritdoc cref="ChildProcess.Pause"/>
    public void Pause() => _child.Pause();

    /// <inheritdoc cref="ChildProcess.Resume"/>
    public void Resume() => _child.Resume();

    public ValueTask DisposeAsync() => _child.DisposeAsync();
}
