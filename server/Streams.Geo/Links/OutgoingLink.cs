using Polly;
using Polly.Retry;
using Streams.Core;

namespace Streams.Geo;

/// <summary>The link to one target: connects, runs a session, and begins again for as long as the server runs. A failure of any kind
/// makes it
/// down with the reason in its status, never silent.</summary>
internal sealed class OutgoingLink : IAsyncDisposable
{
    private readonly LinkTarget _target;
    private readonly LinkContext _context;
    private readonly ResiliencePipeline _retrying;
    private readonly CancellationTokenSource _stop = new();
    private readonly SenderMemory _memory;
    private Task _running = Task.CompletedTask;

    public OutgoingLink(LinkTarget target, LinkContext context)
    {
        _target = target;
        _context = context;
        Ledger = new LinkLedger(target.Name, context.Time);
        Random chance = context.Chance();
        _memory = new SenderMemory((ulong)chance.NextInt64());
        ResiliencePipelineBuilder builder = new() { TimeProvider = context.Time };
        _retrying = builder.AddRetry(new RetryStrategyOptions
        {
            ShouldHandle = new PredicateBuilder().Handle<Exception>(e =>
                e is not OperationCanceledException || !_stop.IsCancellationRequested),
            MaxRetryAttempts = int.MaxValue,
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
            Delay = context.Options.FirstPause,
            MaxDelay = context.Options.LongestPause,
            Randomizer = chance.NextDouble,
            OnRetry = retry =>
            {
                OnDown(retry.Outcome.Exception!, retry.RetryDelay);
                return ValueTask.CompletedTask;
            },
        }).Build();
    }

    public LinkTarget Target => _target;

    public LinkLedger Ledger { get; }

    /// <summary>The first entry of a lane that the target still needs; <see langword="null"/> for none. While the link is down it needs
    /// all.</summary>
    public EntryNumber? NeededFrom(LaneId lane) =>
        Ledger.Session is { } session ? session.Look(machine => ((LinkSender)machine).NeededFrom(lane)) : EntryNumber.Zero;

    public void Start() => _running = RunAsync(_stop.Token);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                // Returns when a session was stable: the next failure begins with the first pause again.
                await _retrying.ExecuteAsync(async token => await SessionAsync(token), cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                break;
            }
        }

        Ledger.End(Ledger.Session, "stopped");
    }

    private async ValueTask SessionAsync(CancellationToken cancellationToken)
    {
        Ledger.Connecting();
        GeoOptions options = _context.Options;
        FrameConnection connection = await LinkDialer.ConnectAsync(_target, options.SilenceLimit, _context.Time, cancellationToken);
        LinkSenderSettings settings = new(_target.Name, options.SliceBytes, options.StateChunkBytes,
            RepairMs: (int)options.RepairInterval.TotalMilliseconds);
        LinkSender sender = new(settings, _context.Store, _context.Horizon.Reach, memory: _memory) { Lacked = _context.Lacked };
        using LinkSession session = new(connection, sender, _context);
        Ledger.Begin(session);
        long began = _context.Time.GetTimestamp();
        try
        {
            string reason = await session.RunAsync(cancellationToken);
            Ledger.End(session, reason);
            LinkLog.Ended(_context.Logger, _target.Name, reason);
        }
        catch (LinkBrokenException broken) when (_context.Time.GetElapsedTime(began) > options.StableAfter)
        {
            Ledger.End(session, broken.Message);
            LinkLog.Ended(_context.Logger, _target.Name, broken.Message);
        }
        catch (Exception exception)
        {
            Ledger.End(session, exception.Message);
            throw;
        }
    }

    private void OnDown(Exception exception, TimeSpan pause)
    {
        Ledger.End(null, exception.Message);
        if (exception is LinkBrokenException)
        {
            LinkLog.Down(_context.Logger, _target.Name, exception.Message, pause);
        }
        else
        {
            LinkLog.Died(_context.Logger, _target.Name, exception);
        }
    }
}
