using Microsoft.Extensions.Logging;
using Streams.Cluster;
using Streams.Core;
using Streams.Geo;

namespace Streams.Server;

/// <summary>Tells the witness, every few seconds and at the end, how many entries the own lanes hold. A fault is logged once and tried
/// again: without the
/// witness the cluster works, only less guarded.</summary>
internal sealed class WitnessKeeper : IAsyncDisposable
{
    /// <summary>A rollback to less than this ago can go unseen; each step costs a flush of a small file.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly LocalCatalog _catalog;
    private readonly ILaneStore _lanes;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;
    private bool _complained;

    public WitnessKeeper(LocalCatalog catalog, ILaneStore lanes, TimeProvider time, ILogger logger)
    {
        _catalog = catalog;
        _lanes = lanes;
        _time = time;
        _logger = logger;
        _loop = Task.Run(RunAsync);
    }

    /// <summary>Entries in the own lanes of an incarnation: the sum of their next entry numbers, which retention does not lower.</summary>
    public static long OwnEntries(ILaneHeads lanes, Origin own)
    {
        long entries = 0;
        foreach (LaneStatus lane in lanes.Lanes())
        {
            entries += lane.Lane.Origin == own ? lane.NextEntry.Value : 0;
        }

        return entries;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        Observe();
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        using PeriodicTimer timer = new(Interval, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                Observe();
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Told to end.
        }
    }

    private void Observe()
    {
        try
        {
            Origin own = _lanes.Origin;
            _catalog.Observe(own.Incarnation, OwnEntries(_lanes, own));
            _complained = false;
        }
        catch (Exception fault)
        {
            if (!_complained)
            {
                _complained = true;
                ServerLog.WitnessLate(_logger, fault.Message);
            }
        }
    }
}
