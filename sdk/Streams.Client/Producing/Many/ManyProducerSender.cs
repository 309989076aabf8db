using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Client;

/// <summary>Sends what waits of many producers over one connection, session after session: hellos in pages, then bundles of batches, the
/// producers taking turns.</summary>
/// <remarks>Decisions are <see cref="ManyProducers"/>', under one lock that is never held across I/O. Failure: what the cluster refuses of
/// one producer, and what cannot be read of it, ends the session of that producer alone; any other fault ends the connection, and the next
/// one sends the rest again in order (R2). Needs <see cref="ClusterOptions.SendsForMany"/>.</remarks>
internal sealed partial class ManyProducerSender : ISessionUser, IDisposable
{
    private const int HellosInFlight = 2;

    private readonly Lock _lock = new();
    private readonly AsyncSignal _work = new();
    private readonly SemaphoreSlim _confirming = new(1);
    private readonly IManyWaitingEvents _events;
    private readonly ManyProducers _many;
    private readonly ClusterOptions _options;
    private readonly ClientMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly SendMeter? _meter;
    private readonly BatchPacer _pacer;
    private readonly BundleWriter _writer;
    private readonly Dictionary<uint, Greeting> _greetings = [];
    private Task? _workWait;
    private int _inFlight;
    private int _mostBatches = Bundle.MaxBatches;
    private bool _isConnected;
    private bool _isCapped;

    /// <summary>The sender of what waits.</summary>
    public ManyProducerSender(IManyWaitingEvents events, ClusterOptions options, ClientMetrics metrics, TimeProvider time, ILogger logger,
        SendMeter? meter = null, ManyProducerRules? rules = null)
    {
        _events = events;
        _options = options;
        _metrics = metrics;
        _time = time;
        _logger = logger;
        _meter = meter;
        _pacer = new BatchPacer(options.BatchBytes, options.BatchesInFlight, options.Linger, options.AnswerTimeout);
        _writer = new BundleWriter(events, options.Compression);
        _many = new ManyProducers(rules ?? new ManyProducerRules());
        foreach (RestoredProducer restored in events.Restored)
        {
            _many.Restore(restored);
        }

        events.Tell(OnArrived);
    }

    /// <summary>Producers that something is kept of: those with something waiting or unanswered, and those idle.</summary>
    public int Producers
    {
        get
        {
            lock (_lock)
            {
                return _many.Count;
            }
        }
    }

    private TimeSpan Now => _time.GetElapsedTime(0);

    /// <inheritdoc/>
    public async Task RunAsync(ClusterSession session)
    {
        List<Task> running = [];
        if (session.MaxProducers < 1)
        {
            session.Refused($"{session.Cluster} does not take bundles of many producers: its version is older than that");
            return;
        }

        try
        {
            lock (_lock)
            {
                _many.BeginConnection(session.MaxProducers);
                _pacer.SessionBegan();
                _inFlight = 0;
                _isConnected = true;
                _greetings.Clear();
            }

            while (true)
            {
                session.Token.ThrowIfCancellationRequested();
                running.RemoveAll(static b => b.IsCompleted);
                if (NextHello() is { } hello)
                {
                    running.Add(GreetAsync(session, hello));
                }
                else if (PaceFor() is { } wait && wait > TimeSpan.Zero)
                {
                    await WorkAsync(wait, session.Token).ConfigureAwait(false);
                }
                else if (TryCut(out CutBundle? cut))
                {
                    running.Add(SendAsync(session, cut!));
                }
                else
                {
                    await WorkAsync(UntilRested(), session.Token).ConfigureAwait(false);
                }
            }
        }
        finally
        {
            lock (_lock)
            {
                _isConnected = false;
                _many.EndConnection();
            }

            session.End("the producers' sessions are over");
            await Task.WhenAll(running).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public bool TryReceive(ClusterSession session, string topic, ReadOnlyMemory<byte> payload)
    {
        if (topic != ProtocolTopics.HellosReply)
        {
            return false;
        }

        if (HellosReply.Read(payload) is not { } reply)
        {
            session.End("the answer to hellos is malformed");
            return true;
        }

        lock (_lock)
        {
            if (_greetings.TryGetValue(reply.Correlation, out Greeting? greeting))
            {
                greeting.Pages.Add(reply);
                if (reply.IsLast)
                {
                    greeting.Told.TrySetResult();
                }
            }
        }

        return true;
    }

    /// <inheritdoc/>
    public void SessionEnded()
    {
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _events.Dispose();
        _confirming.Dispose();
        _writer.Dispose();
    }

    private void OnArrived(IReadOnlyList<ArrivedRun> runs)
    {
        foreach (ArrivedRun run in runs)
        {
            IReadOnlyList<EventPlace>? stand = null;
            while (!TryAdd(run, stand))
            {
                stand = _events.Stand(run.Producer, run.Partition);
            }
        }

        _work.Set();

        bool TryAdd(in ArrivedRun run, IReadOnlyList<EventPlace>? stand)
        {
            lock (_lock)
            {
                if (!_many.TryAdd(run, stand))
                {
                    return false;
                }

                _pacer.Arrived(run.Bytes, Now);
                return true;
            }
        }
    }

    private HellosRequest? NextHello()
    {
        lock (_lock)
        {
            if (_greetings.Count >= HellosInFlight || _many.NextHello(Now) is not { } hello)
            {
                return null;
            }

            _greetings.Add(hello.Correlation, new Greeting());
            return hello;
        }
    }

    private async Task GreetAsync(ClusterSession session, HellosRequest hello)
    {
        try
        {
            Greeting greeting;
            lock (_lock)
            {
                greeting = _greetings[hello.Correlation];
            }

            ClusterAnswer answer = await session.AskAsync(ProtocolTopics.Hellos, Wire.Of((ref ByteWriter w) => hello.Write(ref w)))
                .ConfigureAwait(false);
            if (!answer.IsTaken)
            {
                session.End($"{session.Cluster} refused hellos: {answer.Text}");
                return;
            }

            await greeting.Told.Task.WaitAsync(_options.AnswerTimeout, _time, session.Token).ConfigureAwait(false);
            await GreetedAsync(session, hello, greeting).ConfigureAwait(false);
            _work.Set();
        }
        catch (OperationCanceledException) when (session.Token.IsCancellationRequested)
        {
        }
        catch (Exception e)
        {
            session.End($"{e.GetType().Name}: {e.Message}");
        }
    }

    private async Task GreetedAsync(ClusterSession session, HellosRequest hello, Greeting greeting)
    {
        foreach ((StreamPath stream, int partitions) in greeting.Pages.SelectMany(static p => p.Streams).Distinct())
        {
            await _events.LearnAsync(stream, partitions).ConfigureAwait(false);
        }

        Confirmations confirmed = new();
        int named = 0;
        lock (_lock)
        {
            _greetings.Remove(hello.Correlation);
            foreach (HellosReply page in greeting.Pages)
            {
                foreach (ProducerHeld told in page.Producers)
                {
                    List<ConfirmedRun> runs = [];
                    IReadOnlyList<StreamPartition> rolledBack = [];
                    if (_isConnected && _many.Greet(hello.Correlation, page.Origin, told, runs, out rolledBack) is { } slot)
                    {
                        named++;
                        confirmed.Add(slot, runs, told.Held.Select(static h => h.Partition));
                        foreach (StreamPartition partition in rolledBack)
                        {
                            ClientLog.RolledBack(_logger, session.Cluster, partition);
                        }
                    }
                }
            }
        }

        if (confirmed.Events > 0)
        {
            ClientLog.HeldAlready(_logger, session.Cluster, confirmed.Events);
        }

        await ConfirmAsync(confirmed).ConfigureAwait(false);
        if (named < hello.Producers.Count)
        {
            session.End($"{session.Cluster} answered the hellos of {named} producers, asked for were {hello.Producers.Count}");
        }
    }

    // How long the next bundle should wait, for others to make it fuller and for the cap; null when there is none to send now.
    private TimeSpan? PaceFor()
    {
        lock (_lock)
        {
            if (_many.Ready == 0 || _inFlight >= _pacer.InFlightLimit)
            {
                return null;
            }

            TimeSpan wait = _pacer.Wait(_inFlight, Now);
            if (wait > TimeSpan.Zero || _meter is null)
            {
                return wait;
            }
        }

        TimeSpan capped = _meter.Wait();
        if (capped > TimeSpan.Zero && !_isCapped)
        {
            _metrics.CapWait();
        }

        _isCapped = capped > TimeSpan.Zero;
        return capped;
    }

    private TimeSpan UntilRested()
    {
        lock (_lock)
        {
            return _many.Due is { } due ? (due > Now ? due - Now : TimeSpan.FromMilliseconds(1)) : Timeout.InfiniteTimeSpan;
        }
    }

    // One wait for the signal at a time, kept when the time runs out first: a signal that comes then is not lost.
    private async Task WorkAsync(TimeSpan atMost, CancellationToken cancellationToken)
    {
        _workWait ??= _work.WaitAsync(CancellationToken.None);
        try
        {
            await _workWait.WaitAsync(atMost, _time, cancellationToken).ConfigureAwait(false);
            _workWait = null;
        }
        catch (TimeoutException)
        {
            // Long enough.
        }
    }

    // The answers to one hello, as they come.
    private sealed class Greeting
    {
        public List<HellosReply> Pages { get; } = [];

        public TaskCompletionSource Told { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
