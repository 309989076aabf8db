using Streams.Core;

namespace Streams.Geo;

/// <summary>Operations of the store that a session has under way: as many as its machine allows. A failure fails the session.</summary>
internal sealed class StoreOperations(LinkContext context, LinkSession session)
{
    private readonly Lock _gate = new();
    private TaskCompletionSource? _drained;
    private int _running;

    /// <summary>Begins an operation, in the order of the calls, and does not wait for it.</summary>
    public void Start(LinkAction action, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _running++;
        }

        _ = RunAsync(action, cancellationToken);
    }

    /// <summary>Completes when none is under way.</summary>
    public Task DrainAsync()
    {
        lock (_gate)
        {
            return _running == 0 ? Task.CompletedTask
                : (_drained ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    private async Task RunAsync(LinkAction action, CancellationToken cancellationToken)
    {
        try
        {
            await PerformAsync(action, cancellationToken);
        }
        catch (Exception exception)
        {
            session.Fail(exception);
        }
        finally
        {
            lock (_gate)
            {
                if (--_running == 0)
                {
                    _drained?.TrySetResult();
                    _drained = null;
                }
            }
        }
    }

    private async ValueTask PerformAsync(LinkAction action, CancellationToken cancellationToken)
    {
        switch (action)
        {
            case IngestEntries ingest:
                await IngestAsync(ingest, cancellationToken);
                break;
            case SkipLane skip:
                await context.Store.SkipToAsync(skip.Lane, skip.First, skip.FirstOffset, cancellationToken);
                session.Tell(machine => machine.OnSkipped(skip));
                break;
            case TakeOutEntries lost:
                await TakeOutAsync(lost, cancellationToken);
                break;
            case JoinState join:
                IReadOnlyList<StateItem> changed = await context.Store.JoinAsync(join.Items, cancellationToken);
                Origin? peer = session.Look(static machine => machine.Peer);
                session.Tell(machine => machine.OnJoined(join));
                if (changed.Count > 0)
                {
                    context.PassOn(peer, changed);
                }

                break;
            default:
                throw new InvalidOperationException($"{action.GetType().Name} is no operation of the store");
        }
    }

    private async ValueTask TakeOutAsync(TakeOutEntries lost, CancellationToken cancellationToken)
    {
        IngestResult result;
        try
        {
            result = await context.Store.TakeOutAsync(lost.Lane, lost.First, lost.Next, lost.NextOffset, cancellationToken);
        }
        catch (InvalidRequestException)
        {
            result = new IngestResult(IngestOutcome.Fork, default);
        }

        session.Tell(machine => machine.OnTakenOut(lost, result));
    }

    private async ValueTask IngestAsync(IngestEntries ingest, CancellationToken cancellationToken)
    {
        IngestResult result;
        try
        {
            result = await context.Store.IngestAsync(ingest.Lane, ingest.Entries, cancellationToken);
        }
        catch (InvalidRequestException exception)
        {
            // These entries will never be taken; the other lanes go on.
            session.Tell(machine => machine.OnRefused(ingest, exception.Message));
            return;
        }

        session.Tell(machine => machine.OnIngested(ingest, result));
    }
}
