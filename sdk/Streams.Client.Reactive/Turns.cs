using System.Runtime.CompilerServices;
using Streams.Core;

namespace Streams.Client.Reactive;

/// <summary>Unsubscribing returns at once, closing a consumer takes a moment: who subscribes again to the same name waits for that,
/// instead of being told that the name is in use. One for each client or consumer.</summary>
internal sealed class Turns
{
    private static readonly ConditionalWeakTable<object, Turns> All = [];
    private readonly Lock _lock = new();
    private readonly Dictionary<(ConsumerName, StreamPath), Task> _closing = [];

    /// <summary>The turns of a client or consumer.</summary>
    public static Turns Of(object owner) => All.GetOrCreateValue(owner);

    /// <summary>The closing to wait for.</summary>
    public Task Closing(ConsumerName name, StreamPath stream)
    {
        lock (_lock)
        {
            return _closing.GetValueOrDefault((name, stream), Task.CompletedTask);
        }
    }

    /// <summary>A closing has begun; forgotten when it is over.</summary>
    public void Begin(ConsumerName name, StreamPath stream, Task closed)
    {
        lock (_lock)
        {
            _closing[(name, stream)] = closed;
        }

        closed.ContinueWith(_ =>
        {
            lock (_lock)
            {
                if (_closing.TryGetValue((name, stream), out Task? last) && ReferenceEquals(last, closed))
                {
                    _closing.Remove((name, stream));
                }
            }
        }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }
}
