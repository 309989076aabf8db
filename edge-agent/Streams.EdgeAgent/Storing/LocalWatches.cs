using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>Who wants to know of flushes. Safe for use by many threads; calls come from the writer.</summary>
internal sealed class LocalWatches(ILogger logger)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<StreamPath, Watch[]> _byStream = [];
    private Watch[] _all = [];

    /// <summary>Calls <paramref name="changed"/> after each flush that changed a stream, or, given none, any.</summary>
    public IDisposable Add(StreamPath? stream, Action changed)
    {
        Watch watch = new(this, stream, changed);
        lock (_lock)
        {
            if (stream is { } path)
            {
                _byStream[path] = [.. _byStream.GetValueOrDefault(path, []), watch];
            }
            else
            {
                _all = [.. _all, watch];
            }
        }

        return watch;
    }

    /// <summary>These streams changed.</summary>
    public void Fire(IReadOnlyCollection<StreamPath> streams)
    {
        foreach (StreamPath stream in streams)
        {
            Watch[] watches;
            lock (_lock)
            {
                watches = _byStream.GetValueOrDefault(stream, []);
            }

            Call(watches);
        }

        if (streams.Count > 0)
        {
            Call(Volatile.Read(ref _all));
        }
    }

    private void Call(Watch[] watches)
    {
        foreach (Watch watch in watches)
        {
            try
            {
                watch.Changed();
            }
            catch (Exception e)
            {
                StoreLog.WatcherFailed(logger, e);
            }
        }
    }

    private void Remove(StreamPath? stream, Watch watch)
    {
        lock (_lock)
        {
            if (stream is not { } path)
            {
                _all = [.. _all.Where(w => w != watch)];
                return;
            }

            Watch[] rest = [.. _byStream.GetValueOrDefault(path, []).Where(w => w != watch)];
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

    private sealed class Watch(LocalWatches watches, StreamPath? stream, Action changed) : IDisposable
    {
        public Action Changed => changed;

        public void Dispose() => watches.Remove(stream, this);
    }
}
