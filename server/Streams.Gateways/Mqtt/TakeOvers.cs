namespace Streams.Gateways;

/// <summary>Of the connections that wait to take one client id over only the newest does: the others have been overtaken themselves, so
/// a crowd costs one session each at most, not one for each pair.</summary>
/// <remarks>Safe for use by many threads. Holds an entry for a client id only while a connection of it waits.</remarks>
internal sealed class TakeOvers
{
    private readonly Dictionary<string, long> _newest = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();
    private long _last;

    /// <summary>A connection comes; gives its ticket, to be handed back with <see cref="Leave"/>.</summary>
    public long Come(string clientId)
    {
        lock (_lock)
        {
            return _newest[clientId] = ++_last;
        }
    }

    /// <summary>Whether no newer connection has come for this client id.</summary>
    public bool IsNewest(string clientId, long ticket)
    {
        lock (_lock)
        {
            return _newest.TryGetValue(clientId, out long newest) && newest == ticket;
        }
    }

    /// <summary>A connection waits no more. When it was the newest, those that came before it have lost too.</summary>
    public void Leave(string clientId, long ticket)
    {
        lock (_lock)
        {
            if (_newest.TryGetValue(clientId, out long newest) && newest == ticket)
            {
                _newest.Remove(clientId);
            }
        }
    }
}
