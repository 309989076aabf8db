using Microsoft.Extensions.Logging;
using Streams.Core;
using Streams.Storage;

namespace Streams.Server;

/// <summary>Carries retention out: every so often what may go goes, and its space is given back.</summary>
/// <remarks>A pass comes four times in the shortest age that any stream has, but not more often than once a second and not more seldom
/// than once a minute; settings are looked at every few seconds. Failure: a pass that failed is logged and the next one tries again.
/// Nothing depends on it but space.</remarks>
internal sealed class RetentionKeeper : IAsyncDisposable
{
    // What is read and written for giving space back: a tenth of what a plain disk takes, so that nobody waits for it.
    private const long ReclaimBytesPerSecond = 32 << 20;
    private const int TrimsAtOnce = 1024;
    private static readonly TimeSpan LongestPace = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan ShortestPace = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(5);

    private readonly Container _container;
    private readonly RetentionRules _rules;
    private readonly TimeProvider _time;
    private readonly Random _chance;
    private readonly ILogger _logger;
    private readonly RetentionMeter _meter;
    private readonly RetentionClock _clock;
    private readonly long _started;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;
    private long? _lastPass;
    private long? _lastReclaim;
    private bool _doubts;
    private bool _isLimited;                          // as long as nothing may go there is nothing to look for
    private bool _countsAges;

    public RetentionKeeper(Container container, RetentionRules rules, object scope, TimeProvider time, Random chance, ILogger logger)
    {
        _container = container;
        _rules = rules;
        _time = time;
        _chance = chance;
        _logger = logger;
        _meter = new RetentionMeter(scope);
        _started = time.GetTimestamp();
        _clock = new RetentionClock(time.GetUtcNow(), TimeSpan.Zero, container.NewestWritten());
        _loop = Task.Run(RunAsync);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
        _meter.Dispose();
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                TimeSpan pace = Pace();
                TimeSpan pause = pace < LookInterval ? pace : LookInterval;
                await Task.Delay(pause * (0.9 + (0.2 * _chance.NextDouble())), _time, _stop.Token);
                if (_lastPass is not { } last || _time.GetElapsedTime(last) >= pace * 0.9)
                {
                    _lastPass = _time.GetTimestamp();
                    await PassAsync(_stop.Token);
                }
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception fault) when (fault is StorageFailedException or TryAgainException)
            {
                ServerLog.RetentionHeldUp(_logger, fault.Message);
            }
            catch (Exception fault)
            {
                ServerLog.RetentionFailed(_logger, fault);
            }
        }
    }

    private TimeSpan Pace()
    {
        TimeSpan pace = LongestPace;
        _countsAges = false;
        foreach (StreamPath stream in _container.Streams)
        {
            if (_container.Settings(stream)?.RetentionAge is { } age)
            {
                _countsAges = true;
                pace = age / 4 < pace ? age / 4 : pace;
            }
        }

        return pace < ShortestPace ? ShortestPace : pace;
    }

    private async Task PassAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset now = _clock.Look(_time.GetUtcNow(), _time.GetElapsedTime(_started));
        TellDoubts();
        RetentionPlan plan = _container.PlanRetention(_rules with { Now = now });
        bool any = false;
        long heldEntries = 0;
        long heldBytes = 0;
        foreach (IGrouping<StreamPath, LaneTrim> stream in plan.Trims.GroupBy(t => t.Lane.Partition.Stream))
        {
            heldEntries += stream.Sum(t => t.HeldEntries);
            heldBytes += stream.Sum(t => t.HeldBytes);
            any |= await TrimAsync(stream.Key, [.. stream], cancellationToken);
        }

        _meter.Held(heldEntries, heldBytes);
        await EndSegmentAsync(plan, cancellationToken);

        // What links or other passes freed shows up without anything having gone in this pass.
        _isLimited |= any || plan.Trims.Count > 0;
        if (any || (_isLimited && (_lastReclaim is not { } last || _time.GetElapsedTime(last) >= LongestPace)))
        {
            _lastReclaim = _time.GetTimestamp();
            ReclaimReport report = await _container.ReclaimAsync(
                async (bytes, token) => await Task.Delay(TimeSpan.FromSeconds((double)bytes / ReclaimBytesPerSecond), _time, token),
                cancellationToken);
            _meter.GaveBack(report);
        }
    }

    // A disk may be too full for another segment: what the ended ones give back makes the room for it.
    private async Task EndSegmentAsync(RetentionPlan plan, CancellationToken cancellationToken)
    {
        try
        {
            if (plan.EndSegment)
            {
                await _container.EndSegmentAsync(cancellationToken);
            }
        }
        catch (TryAgainException full)
        {
            ServerLog.RetentionHeldUp(_logger, full.Message);
        }
    }

    private async Task<bool> TrimAsync(StreamPath stream, List<LaneTrim> trims, CancellationToken cancellationToken)
    {
        TrimCount count = default;
        foreach (LaneTrim[] some in trims.Chunk(TrimsAtOnce))
        {
            count += await TrimAsync(some, cancellationToken);
        }

        if (count.Lanes > 0)
        {
            _meter.Went(count);
            ServerLog.RetentionTook(_logger, stream, count.Events, count.Entries, count.Bytes, count.Lanes);
        }

        if (count.TakenFromLinks > 0)
        {
            ServerLog.RetentionTookFromLinks(_logger, stream, count.TakenFromLinks, _rules.HoldAge, _rules.HoldBytes);
        }

        return count.Lanes > 0;
    }

    private async Task<TrimCount> TrimAsync(LaneTrim[] trims, CancellationToken cancellationToken)
    {
        List<(LaneStatus Before, long TakenFromLinks, Task Done)> running = new(trims.Length);
        foreach (LaneTrim trim in trims)
        {
            if (_container.Lane(trim.Lane) is { } lane && trim.First > lane.FirstEntry)
            {
                running.Add((lane, trim.TakenFromLinks, _container.TrimAsync(trim.Lane, trim.First, cancellationToken).AsTask()));
            }
        }

        TrimCount count = default;
        foreach ((LaneStatus before, long taken, Task done) in running)
        {
            await done;
            LaneStatus after = _container.Lane(before.Lane) ?? before;
            count += new TrimCount(1, after.FirstEntry - before.FirstEntry, after.FirstOffset - before.FirstOffset,
                Math.Max(0, before.Bytes - after.Bytes), taken);
        }

        return count;
    }

    private void TellDoubts()
    {
        _meter.Doubted(_clock.Doubted);
        bool doubts = _countsAges && _clock.Doubted > TimeSpan.Zero;
        if (doubts && !_doubts)
        {
            ServerLog.ClockDoubted(_logger, _clock.Doubted, RetentionClock.BelievedAfter);
        }

        _doubts = doubts;
    }
}

/// <summary>What went.</summary>
internal readonly record struct TrimCount(int Lanes, long Entries, long Events, long Bytes, long TakenFromLinks)
{
    public static TrimCount operator +(TrimCount a, TrimCount b) => new(a.Lanes + b.Lanes, a.Entries + b.Entries, a.Events + b.Events,
        a.Bytes + b.Bytes, a.TakenFromLinks + b.TakenFromLinks);
}
