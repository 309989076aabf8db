using System.Net;
using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Geo;

/// <summary>All links of a cluster: those it opens to its targets and those of others to it. Each runs by itself and begins again after any
/// failure; what is wrong shows in <see cref="Status"/>, in the log (events 2000 to 2099) and in the meter <c>Streams.Geo</c>.</summary>
public sealed class GeoService : IAsyncDisposable
{
    private readonly GeoOptions _options;
    private readonly LinkContext _context;
    private readonly IncomingLinks _incoming;
    private readonly LossKeeper _losses;
    private readonly OutgoingLink[] _outgoing;
    private readonly GeoMeter _meter;
    private LinkListener? _listener;
    private bool _started;
    private bool _stopped;

    /// <summary>Checks the options and makes the links; nothing runs before <see cref="StartAsync"/>.</summary>
    /// <param name="store">The store of this cluster.</param>
    /// <param name="options">The settings.</param>
    /// <param name="known">What <paramref name="save"/> was last given, or <see cref="HorizonMemory.Empty"/>.</param>
    /// <param name="save">Keeps what was learnt of other clusters over restarts.</param>
    /// <param name="logger">Where the links tell what happens.</param>
    /// <param name="time">The clock.</param>
    /// <param name="chance">The source of jitter.</param>
    /// <exception cref="ConfigurationException">The options are wrong; all faults are in the message.</exception>
    public GeoService(ILaneStore store, GeoOptions options, HorizonMemory known, Action<HorizonMemory> save, ILogger<GeoService> logger,
        TimeProvider time, Random chance)
    {
        options.Validate(store.Origin.Cluster);
        _options = options;
        Horizon = new Horizon(store, known, save, options.StartGrace, time);
        _context = new LinkContext(store, options, Horizon, logger, time, chance);
        _incoming = new IncomingLinks(_context);
        Horizon.IsLevelWithout = _incoming.IsLevelWithout;
        Horizon.Grew = _context.OnHorizonGrew;
        _outgoing = [.. options.Targets.Select(target => new OutgoingLink(target, _context))];
        _losses = new LossKeeper(_context, Neighbours);
        _context.Lacked = _losses.Lacked;
        _meter = new GeoMeter(() => Status);
    }

    /// <summary>What can still come over links.</summary>
    public Horizon Horizon { get; }

    /// <summary>Where links are accepted, once started; <see langword="null"/> when none are.</summary>
    public IPEndPoint? Endpoint => _listener?.Endpoint;

    /// <summary>All links as they are now.</summary>
    public LinksStatus Status => new([.. _outgoing.Select(link => link.Ledger.Status())], _incoming.Status());

    /// <summary>The first entry of a lane that a link out of here still needs; <see langword="null"/> when none needs anything of it.
    /// Retention waits for it, up to a limit. A link that is down, or has not begun, needs all.</summary>
    public EntryNumber? NeededFrom(LaneId lane)
    {
        EntryNumber? needed = null;
        foreach (OutgoingLink link in _outgoing)
        {
            if (link.NeededFrom(lane) is { } from && (needed is null || from < needed))
            {
                needed = from;
            }
        }

        return needed;
    }

    /// <summary>Asks the targets whether any holds more of the own lanes of the current incarnation than the store does, or knows of a
    /// later incarnation
    /// (rule R14). To be called before <see cref="StartAsync"/> and before the first event is accepted; on <see langword="true"/> the
    /// caller opens a new
    /// incarnation.</summary>
    /// <returns>Whether one does; <see langword="false"/> as well when none could be asked within <paramref name="limit"/>.</returns>
    public async Task<bool> AskNeighboursAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        using CancellationTokenSource enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        List<Task<bool?>> asking = [.. _options.Targets.Select(target => NeighbourProbe.AskAsync(target, _context, limit, enough.Token))];
        bool more = false;
        while (asking.Count > 0)
        {
            Task<bool?> answered = await Task.WhenAny(asking);
            asking.Remove(answered);
            try
            {
                more |= await answered == true;
            }
            catch (OperationCanceledException) when (more && !cancellationToken.IsCancellationRequested)
            {
                continue; // the answer is known, the others were told to stop
            }

            if (more)
            {
                await enough.CancelAsync();
            }
        }

        return more;
    }

    /// <summary>Listens, and begins to connect to the targets.</summary>
    /// <exception cref="ConfigurationException">The link endpoint cannot be bound.</exception>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ObjectDisposedException.ThrowIf(_stopped, this);
        if (!_started)
        {
            _listener = _options.Listen is { } endpoint ? LinkListener.Start(endpoint, _incoming, _context) : null;
            _started = true;
            _losses.Start();
            foreach (OutgoingLink link in _outgoing)
            {
                link.Start();
            }
        }

        return Task.CompletedTask;
    }

    /// <summary>Ends all links. What was not acknowledged is sent again after the next start.</summary>
    public async Task StopAsync(CancellationToken cancellationToken) => await DisposeAsync().AsTask().WaitAsync(cancellationToken);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_stopped)
        {
            return;
        }

        _stopped = true;
        await _losses.DisposeAsync();
        if (_listener is not null)
        {
            await _listener.DisposeAsync();
        }

        await Task.WhenAll(_outgoing.Select(link => link.DisposeAsync().AsTask()));
        await _incoming.DisposeAsync();
        _meter.Dispose();
        _context.Dispose();
    }

    // All that this cluster links to, and all that linked to it since its start.
    private HashSet<ClusterName> Neighbours()
    {
        HashSet<ClusterName> names = [.. _options.Targets.Select(target => target.Name)];
        names.UnionWith(_incoming.Status().Select(status => status.Name));
        return names;
    }
}
