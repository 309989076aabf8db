using Streams.Client;

namespace Streams.Cli;

/// <summary>A client for one command. A temporary outbox is deleted with it, unless events are left in it.</summary>
internal sealed class OpenClient(StreamsClient client, StreamsClientOptions options, string? temporary, LastWarning warning,
    CliContext context)
    : IAsyncDisposable
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(20);

    /// <summary>The client.</summary>
    public StreamsClient Client => client;

    /// <summary>The outbox's file.</summary>
    public string OutboxPath => options.OutboxPath;

    /// <summary>Whether the outbox is a temporary one.</summary>
    public bool IsTemporary => temporary is not null;

    /// <summary>What the client last warned of.</summary>
    public string? Warning => warning.Text;

    /// <summary>Waits until a cluster is connected.</summary>
    /// <exception cref="CliException">None was in time.</exception>
    public async Task ConnectedAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        long began = context.Time.GetTimestamp();
        while (client.ConnectedTo is null)
        {
            if (context.Time.GetElapsedTime(began) > limit)
            {
                throw Unreachable($"no cluster answered within {limit.TotalSeconds:0.#} s");
            }

            await Task.Delay(LookEvery, context.Time, cancellationToken);
        }
    }

    /// <summary>The fault of not having reached a cluster.</summary>
    public CliException Unreachable(string what) => new(ExitCode.Unreachable, warning.Text is { } why ? $"{what}; {why}"
        : $"{what} ({string.Join(", ", options.Clusters.Select(static c => $"{c.Name}={c.Host}:{c.Port}"))})");

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await client.DisposeAsync();
        if (temporary is null)
        {
            return;
        }

        if (client.OutboxEvents > 0)
        {
            await context.Terminal.Error.WriteLineAsync($"streams: {client.OutboxEvents} events are not stored by a cluster yet; they wait"
                + $" in {OutboxPath}: send them with 'streams outbox send {OutboxPath} --cluster …'");
        }
        else
        {
            Directory.Delete(temporary, recursive: true);
        }
    }
}
