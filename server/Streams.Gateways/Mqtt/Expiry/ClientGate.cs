using System.Collections.Concurrent;

namespace Streams.Gateways;

/// <summary>One at a time decides over a client's session that no connection has: a connection that comes, or the keeper that ends what is
/// over.</summary>
/// <remarks>Safe for use by many threads. Holds an entry for a client only while somebody is inside.</remarks>
internal sealed class ClientGate
{
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _inside = new(StringComparer.Ordinal);

    /// <summary>Waits until nobody is inside and goes in.</summary>
    public async ValueTask EnterAsync(string clientId, CancellationToken cancellationToken)
    {
        while (!_inside.TryAdd(clientId, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)))
        {
            if (_inside.TryGetValue(clientId, out TaskCompletionSource? other))
            {
                await other.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Leaves.</summary>
    public void Leave(string clientId)
    {
        if (_inside.TryRemove(clientId, out TaskCompletionSource? mine))
        {
            mine.SetResult();
        }
    }
}
