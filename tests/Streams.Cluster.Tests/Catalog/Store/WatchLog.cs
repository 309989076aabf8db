using System.Text;
using Streams.Testing;

namespace Streams.Cluster.Tests;

/// <summary>A watch being read: what it told, and what the catalog looks like to who only listens.</summary>
internal sealed class WatchLog : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly List<CatalogNews> _news = [];
    private readonly SortedDictionary<string, string> _seen = new(StringComparer.Ordinal);
    private readonly Task _reading;

    public WatchLog(ICatalogStore store, string prefix)
    {
        _reading = ReadAsync(store, prefix);
    }

    /// <summary>What was told, Alive left out.</summary>
    public IReadOnlyList<CatalogNews> News => Locked(() => _news.Where(n => n.Kind != CatalogNewsKind.Alive).ToList());

    public int Snapshots => Count(CatalogNewsKind.Snapshot);

    public int Alives => Count(CatalogNewsKind.Alive);

    /// <summary>The entries as told, <c>key=value</c>.</summary>
    public IReadOnlyList<string> Seen => Locked(() => _seen.Select(e => $"{e.Key}={e.Value}").ToList());

    /// <summary>Every change told, in order, <c>key=value</c> or <c>-key</c>.</summary>
    public IReadOnlyList<string> Changes => Locked(() => _news.Where(n => n.Kind == CatalogNewsKind.Changes).SelectMany(n => n.Changes)
        .Select(c => c.Entry is null ? $"-{c.Key}" : $"{c.Key}={Encoding.UTF8.GetString(c.Entry.Value.Span)}").ToList());

    public int Count(CatalogNewsKind kind) => Locked(() => _news.Count(n => n.Kind == kind));

    public Task SeesAsync(params string[] entries) => Eventually.EqualAsync(entries, () => Seen, "the watch has told it");

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _reading;
        _stop.Dispose();
    }

    private async Task ReadAsync(ICatalogStore store, string prefix)
    {
        try
        {
            await foreach (CatalogNews news in store.WatchAsync(prefix, _stop.Token))
            {
                Locked(() => Take(news));
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Read enough.
        }
    }

    private bool Take(CatalogNews news)
    {
        Assert.True(_news.Count == 0 || news.Revision >= _news[^1].Revision);
        _news.Add(news);
        if (news.Kind == CatalogNewsKind.Snapshot)
        {
            _seen.Clear();
        }

        foreach (CatalogChange change in news.Changes)
        {
            if (change.Entry is { } entry)
            {
                _seen[change.Key] = Encoding.UTF8.GetString(entry.Value.Span);
            }
            else
            {
                _seen.Remove(change.Key);
            }
        }

        return true;
    }

    private T Locked<T>(Func<T> read)
    {
        lock (_gate)
        {
            return read();
        }
    }
}
