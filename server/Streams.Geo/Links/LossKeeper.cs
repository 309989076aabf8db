using Streams.Core;

namespace Streams.Geo;

/// <summary>Looks, now and then, whether entries that are damaged or missing here are lost, and has the store declare it. Safe for use by
/// many threads.</summary>
/// <remarks>Failure: what the store refused to declare is tried again at the next look.</remarks>
internal sealed class LossKeeper : IAsyncDisposable
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly LossRule _rule;
    private readonly LinkContext _context;
    private readonly Func<IReadOnlyCollection<ClusterName>> _neighbours;
    private readonly CancellationTokenSource _stop = new();
    private Task _looking = Task.CompletedTask;
    private ITimer? _timer;

    public LossKeeper(LinkContext context, Func<IReadOnlyCollection<ClusterName>> neighbours)
    {
        _context = context;
        _neighbours = neighbours;
        _rule = new LossRule(context.Options.LossGrace, context.Options.LossLimit);
    }

    public void Start() => _timer = _context.Time.CreateTimer(static self => ((LossKeeper)self!).Tick(), this, LookInterval, LookInterval);

    /// <summary>A neighbour does not have what is damaged here.</summary>
    public void Lacked(ClusterName peer, DamagedRange range)
    {
        lock (_gate)
        {
            _rule.Lacked(peer, range);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        if (_timer is not null)
        {
            await _timer.DisposeAsync();
        }

        await Volatile.Read(ref _looking);
        _stop.Dispose();
    }

    private void Tick()
    {
        lock (_gate)
        {
            if (_looking.IsCompleted && !_stop.IsCancellationRequested)
            {
                _looking = LookAsync();
            }
        }
    }

    private async Task LookAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            IReadOnlyList<DamagedRange> damaged = _context.Store.Damaged();
            IReadOnlyCollection<ClusterName> neighbours = damaged.Count == 0 ? [] : _neighbours();
            IReadOnlyList<(DamagedRange Range, string Why)> lost;
            lock (_gate)
            {
                lost = _rule.Decide(damaged, neighbours, _context.Now);
            }

            foreach ((DamagedRange range, string why) in lost)
            {
                await _context.Store.DeclareLostAsync(range.Lane, range.First, range.Next, why, _stop.Token);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The server stops.
        }
        catch (Exception fault)
        {
            LinkLog.NotDeclared(_context.Logger, fault);
        }
    }
}
