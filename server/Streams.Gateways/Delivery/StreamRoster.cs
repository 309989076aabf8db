using Streams.Core;

namespace Streams.Gateways;

/// <summary>Tells sessions whose filters cover streams to come that there are new ones. Streams made here are told at once, those that
/// come over
/// links within <see cref="Period"/>.</summary>
internal sealed class StreamRoster : IDisposable
{
    /// <summary>How often the store is asked.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromMilliseconds(500);

    private readonly Lock _lock = new();
    private readonly HashSet<Action> _listeners = [];
    private readonly IEventStore _store;
    private readonly ITimer _timer;
    private int _known;

    public StreamRoster(IEventStore store, TimeProvider time)
    {
        _store = store;
        _timer = time.CreateTimer(static roster => ((StreamRoster)roster!).Look(), this, Period, Period);
    }

    /// <summary>Streams are never removed: a different number means news.</summary>
    public void Look()
    {
        int count = _store.Streams.Count;
        Action[] listeners;
        lock (_lock)
        {
            if (count == _known)
            {
                return;
            }

            _known = count;
            listeners = [.. _listeners];
        }

        Array.ForEach(listeners, static listener => listener());
    }

    /// <summary>Calls <paramref name="changed"/>, which must return at once, when there are new streams.</summary>
    public void Add(Action changed)
    {
        lock (_lock)
        {
            _listeners.Add(changed);
        }
    }

    /// <summary>No more calls.</summary>
    public void Remove(Action changed)
    {
        lock (_lock)
        {
            _listeners.Remove(changed);
        }
    }

    /// <summary>Stops asking.</summary>
    public void Dispose() => _timer.Dispose();
}
