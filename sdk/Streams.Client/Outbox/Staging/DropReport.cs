using Microsoft.Extensions.Logging;

namespace Streams.Client;

/// <summary>Tells of events that are dropped or rejected: in a metric at once, in the log when it begins and then at most once a minute
/// with the numbers since. Safe for use by many threads.</summary>
internal sealed class DropReport(ClientMetrics metrics, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan Quiet = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly long[] _since = new long[4];
    private long? _told;

    /// <summary>A transaction is durable.</summary>
    public void Settled(OutboxTransaction transaction)
    {
        Stage stage = transaction.Stage;
        metrics.Published(transaction.EventsCame);
        Add(PublishOutcome.Dropped, stage.Dropped(GapReason.Full));
        Add(PublishOutcome.Expired, stage.Dropped(GapReason.Expired));
        Add(PublishOutcome.Superseded, stage.Dropped(GapReason.Superseded));
    }

    /// <summary>A publish was rejected.</summary>
    public void Rejected() => Add(PublishOutcome.Rejected, 1);

    private void Add(PublishOutcome outcome, long events)
    {
        if (events == 0)
        {
            return;
        }

        metrics.Dropped(outcome, events);
        if (outcome == PublishOutcome.Superseded)
        {
            return;                                      // the ordinary course of such topics: no matter for the log
        }

        lock (_lock)
        {
            _since[outcome - PublishOutcome.Rejected] += events;
            if (_told is { } told && time.GetElapsedTime(told) < Quiet)
            {
                return;
            }

            _told = time.GetTimestamp();
            ClientLog.Dropping(logger, _since[PublishOutcome.Dropped - PublishOutcome.Rejected],
                _since[PublishOutcome.Expired - PublishOutcome.Rejected], _since[0]);
            Array.Clear(_since);
        }
    }
}
