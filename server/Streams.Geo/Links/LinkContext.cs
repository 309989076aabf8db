using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Geo;

/// <summary>What all links of a cluster share. Safe for use by many threads.</summary>
internal sealed class LinkContext(ILaneStore store, GeoOptions options, Horizon horizon, ILogger logger, TimeProvider time, Random chance)
    : IDisposable
{
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _opening = new(1, 1);
    private readonly List<LinkSession> _sessions = [];

    public ILaneStore Store => store;

    public GeoOptions Options => options;

    public Horizon Horizon => horizon;

    public ILogger Logger => logger;

    public TimeProvider Time => time;

    /// <summary>What the incoming links share.</summary>
    public IncomingMemory Incoming { get; } = new();

    /// <summary>Told of what a neighbour does not have of what is damaged here.</summary>
    public Action<ClusterName, DamagedRange>? Lacked { get; set; }

    /// <summary>The time that machines are told.</summary>
    public TimeSpan Now => time.GetElapsedTime(0);

    /// <summary>A source of chance of its own for one user.</summary>
    public Random Chance()
    {
        lock (_gate)
        {
            return new Random(chance.Next());
        }
    }

    public void Enter(LinkSession session)
    {
        lock (_gate)
        {
            _sessions.Add(session);
        }
    }

    public void Leave(LinkSession session)
    {
        lock (_gate)
        {
            _sessions.Remove(session);
        }
    }

    /// <summary>Opens a new incarnation, once however many links find the same reason, and makes all links begin again (rule
    /// R12).</summary>
    public async ValueTask OpenAsync(OpenIncarnation open, CancellationToken cancellationToken)
    {
        await _opening.WaitAsync(cancellationToken);
        try
        {
            if (store.Origin == open.Seen)
            {
                LinkLog.Opening(logger, open.Reason);
                await store.OpenIncarnationAsync(open.Reason, cancellationToken);
            }
        }
        finally
        {
            _opening.Release();
        }

        WakeAll();
    }

    /// <summary>Joined state that changed something here goes out over the other links (rule R16), but not back to where it came
    /// from.</summary>
    public void PassOn(Origin? from, IReadOnlyList<StateItem> items)
    {
        foreach (LinkSession session in Sessions())
        {
            session.PassOn(from, items);
        }
    }

    /// <summary>More is known of other clusters: it is kept, not on the thread of the link that learnt it, for a disk may be slow; and
    /// passed on.</summary>
    public void OnHorizonGrew()
    {
        ThreadPool.UnsafeQueueUserWorkItem(_ =>
        {
            try
            {
                horizon.Keep();
            }
            catch (Exception exception)
            {
                LinkLog.NotKept(logger, exception);
            }
        }, null);
        WakeAll();
    }

    /// <summary>Lets every session look whether there is something to do.</summary>
    public void WakeAll()
    {
        foreach (LinkSession session in Sessions())
        {
            session.Wake();
        }
    }

    public void Dispose() => _opening.Dispose();

    private LinkSession[] Sessions()
    {
        lock (_gate)
        {
            return [.. _sessions];
        }
    }
}
