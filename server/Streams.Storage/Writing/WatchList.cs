using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Storage;

/// <summary>Who wants to know of flushes. Safe for use by many threads; calls come from the writer.</summary>
internal sealed class WatchList(ILogger logger)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<StreamPath, Action[]> _byStream = [];
    private Action[] _all = [];

    public IDisposable Add(StreamPath? stream, Action changed)
    {
        lock (_lock)
        {
            if (stream is { } path)
            {
                _byStream[path] = [.. _byStream.GetValueOrDefault(path, []), changed];
            }
            else
            {
                _all = [.. _all, changed];
            }
        }

        return new Watch(this, stream, changed);
    }

    public void Fire(IReadOnlyCollection<StreamPath> streams, bool lanes)
    {
        foreach (StreamPath stream in streams)
        {
            Action[] watchers;
            lock (_lock)
            {
                watchers = _byStream.GetValueOrDefault(stream, []);
            }

            Call(watchers);
        }

        if (lanes)
        {
            Call(Volatile.Read(ref _all));
        }
    }

    private void Call(Action[] watchers)
    {
        foreach (Action watcher in watchers)
        {
            try
            {
                watcher();
            }
            catch (Exception cause)
            {
                logger.WatcherFailed(cause);
            }
        }
    }

    private void Remove(StreamPath? stream, Action changed)
    {
        lock (_lock)
        {
            if (stream is not { } path)
            {
                _all = Without(_all, changed);
                return;
            }

            Action[] rest = Without(_byStream.GetValueOrDefault(path, []), changed);
            if (rest.Length > 0)
            {
                _byStream[path] = rest;
            }
            else
            {
                _byStream.Remove(path);
            }
        }
    }

    private static Action[] Without(Action[] watchers, Action one)
    {
        int at = Array.IndexOf(watchers, one);
        return at < 0 ? watchers : [.. watchers[..at], .. watchers[(at + 1)..]];
    }

    private sealed class Watch(WatchList list, StreamPath? stream, Action changed) : IDisposable
    {
        private int _disposed;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _disposed, 1) == 0)
            {
                list.Remove(stream, changed);
            }
        }
    }
}
