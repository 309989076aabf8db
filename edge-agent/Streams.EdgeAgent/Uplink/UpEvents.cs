using System.Buffers;
using Microsoft.Extensions.Logging;
using Streams.Client;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>What goes up, for the sender: batches of the store's own lanes under the identities of their producers.</summary>
/// <remarks>Safe for use by many threads. How far it went is stored behind the answers, not before them: after a crash some events wait
/// that a cluster has, and it says so when it is asked. Failure: what cannot be stored or read now is tried again.</remarks>
internal sealed class UpEvents : IManyWaitingEvents, ISessionUser, IAsyncDisposable
{
    private const int PlacedAtOnce = 128 << 10;

    private static readonly TimeSpan TryAgainAfter = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly long _ahead;
    private readonly LocalStore _store;
    private readonly UpWindow _window;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly AsyncSignal _feed = new();
    private readonly AsyncSignal _note = new();
    private Task? _feedWait;
    private Task? _noteWait;
    private readonly CancellationTokenSource _stop = new();
    private readonly Dictionary<(ProducerId Producer, StreamPartition Partition), IReadOnlyList<EventPlace>> _stands = [];
    private readonly IDisposable _watch;
    private Action<IReadOnlyList<ArrivedRun>>? _arrived;
    private Task _feeding = Task.CompletedTask;
    private Task _noting = Task.CompletedTask;
    private bool _hasTwins;
    private int _disposed;

    /// <param name="store">The store.</param>
    /// <param name="ahead">Most bytes of what takes routes that have sequences and are not at a cluster yet, about.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where it says what happens.</param>
    public UpEvents(LocalStore store, long ahead, TimeProvider time, ILogger logger)
    {
        _ahead = ahead;
        _store = store;
        _time = time;
        _logger = logger;
        _window = new UpWindow(store);
        _watch = store.WatchAll(_feed.Set);
    }

    /// <summary>Events that wait.</summary>
    public long Waiting => _window.Waiting;

    /// <summary>Whether a cluster is connected.</summary>
    private bool IsConnected { get; set; }

    /// <inheritdoc/>
    public Task RunAsync(ClusterSession session)
    {
        IsConnected = true;
        _feed.Set();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public bool TryReceive(ClusterSession session, string topic, ReadOnlyMemory<byte> payload) => false;

    /// <inheritdoc/>
    public void SessionEnded() => IsConnected = false;

    /// <inheritdoc/>
    public IEnumerable<RestoredProducer> Restored
    {
        get
        {
            List<UpEntry> entries = [];
            _window.Add(_store.Placed(), entries);
            _window.Load(entries);
            return [.. entries.Where(e => !e.IsPutBack || !Leave(e)).GroupBy(static e => e.Header.Producer).Select(p =>
                new RestoredProducer(p.Key, [.. p.GroupBy(static e => e.Partition).Select(l => new RestoredPartition(l.Key, 0,
                    [.. l.Select(static e => (e.Header.Epoch, e.From, e.Header.LastSequence))], _store.Stand(p.Key, l.Key)))]))];
        }
    }

    /// <inheritdoc/>
    public void Tell(Action<IReadOnlyList<ArrivedRun>> arrived)
    {
        _arrived = arrived;
        _feeding = Task.Run(FeedAsync);
        _noting = Task.Run(NoteAsync);
    }

    /// <inheritdoc/>
    public IReadOnlyList<EventPlace> Stand(ProducerId producer, StreamPartition partition)
    {
        lock (_lock)
        {
            if (_stands.TryGetValue((producer, partition), out IReadOnlyList<EventPlace>? places))
            {
                return places;
            }
        }

        return _store.Stand(producer, partition);
    }

    /// <inheritdoc/>
    public long Read(StreamPartition partition, EventIdentity first, long last, int maxBytes, out int bodyBytes, out bool oneTopic)
    {
        long read = _window.Read(partition, first, last, maxBytes, out AfterVector after, out _hasTwins, out oneTopic);
        After = after;
        bodyBytes = _window.BodyBytes;
        return read >= first.Sequence ? read
            : throw new StorageFailedException($"{partition}: event {first} does not wait to go up");
    }

    /// <inheritdoc/>
    public AfterVector After { get; private set; } = AfterVector.Empty;

    /// <inheritdoc/>
    public BatchHeader Write(OutgoingBatch batch, BatchCompression compression, IBufferWriter<byte> output) =>
        _window.Write(batch.First, batch.Predecessor, batch.MayHaveTwins || _hasTwins, compression, output);

    /// <inheritdoc/>
    public void Drop() => _window.Drop();

    /// <inheritdoc/>
    public async ValueTask LearnAsync(StreamPath stream, int partitions)
    {
        StreamSettings settings = await _store.EnsureStreamAsync(stream, _stop.Token).ConfigureAwait(false);
        if (settings.Partitions < partitions)
        {
            await _store.SetRegisterAsync(stream, StreamSettings.RegisterKey, (settings with { Partitions = partitions }).Write(),
                _stop.Token).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public ValueTask ConfirmAsync(IReadOnlyList<ConfirmedProducer> confirmed)
    {
        lock (_lock)
        {
            foreach (ConfirmedProducer producer in confirmed)
            {
                foreach ((StreamPartition partition, IReadOnlyList<EventPlace> places) in producer.Stands)
                {
                    _stands[(producer.Producer, partition)] = places;
                }

                foreach (ConfirmedRun run in producer.Runs)
                {
                    _window.Done(producer.Producer, run.Partition, run.Placed.First, run.Placed.Last);
                }
            }
        }

        _note.Set();
        _feed.Set();
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public async ValueTask ParkAsync(ProducerId producer, ClusterName cluster, StreamPartition partition, long first, long last,
        string reason)
    {
        if (_window.Copy(producer, partition, first, last) is { } batch)
        {
            await ParkAsync(partition, cluster, reason, batch).ConfigureAwait(false);
        }

        _window.Done(producer, partition, first, last);
        _note.Set();
        _feed.Set();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    /// <summary>Stores how far it is, and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        _watch.Dispose();
        await _stop.CancelAsync().ConfigureAwait(false);
        await _feeding.ConfigureAwait(false);
        await _noting.ConfigureAwait(false);
        await NoteOnceAsync().ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task FeedAsync()
    {
        List<UpEntry> entries = [];
        List<ArrivedRun> runs = [];
        while (!_stop.IsCancellationRequested)
        {
            TimeSpan wait = Timeout.InfiniteTimeSpan;
            try
            {
                entries.Clear();
                runs.Clear();
                bool isMore = await PlaceAsync(entries).ConfigureAwait(false);
                _window.Load(entries);
                foreach (UpEntry entry in entries)
                {
                    if (!entry.IsPutBack || !Leave(entry))
                    {
                        BatchHeader head = entry.Header;
                        runs.Add(new ArrivedRun(head.Producer, entry.Partition, head.Epoch, entry.From, head.LastSequence,
                            entry.Bytes));
                    }
                }

                if (runs.Count > 0)
                {
                    _arrived!(runs);
                }

                if (isMore)
                {
                    continue;
                }
            }
            catch (OperationCanceledException)
            {
                break;
            }
            catch (StreamsException e)
            {
                UpLog.NotRead(_logger, e.Message);
                wait = TryAgainAfter;
            }

            _feedWait = await WaitAsync(_feedWait ?? _feed.WaitAsync(CancellationToken.None), wait).ConfigureAwait(false);
        }
    }

    // What takes a route gets its sequences when it can be sent, and only a little ahead of that: until then it may be dropped.
    private async ValueTask<bool> PlaceAsync(List<UpEntry> entries)
    {
        if (!IsConnected || _store.RoutedWaiting == 0 || _window.PlacedBytes >= _ahead)
        {
            return false;
        }

        long waiting = _store.RoutedWaiting;
        List<PlacedBatch> placed = await _store.PlaceAsync(PlacedAtOnce, _stop.Token).ConfigureAwait(false);
        _window.Add(placed, entries);
        return placed.Count > 0 || _store.RoutedWaiting < waiting;
    }

    private bool Leave(UpEntry entry)
    {
        UpLog.PutBack(_logger, entry.Partition, entry.Header.Producer, entry.Header.Count);
        _ = LeaveAsync(entry);
        return true;
    }

    private async Task LeaveAsync(UpEntry entry)
    {
        await ParkAsync(entry.Partition, _store.Origin.Cluster, "its sequences were given before, or later ones came first", entry.Batch)
            .ConfigureAwait(false);
        _window.LeaveOut(entry);
        _note.Set();
    }

    private async Task ParkAsync(StreamPartition partition, ClusterName cluster, string reason, EventBatch batch)
    {
        while (true)
        {
            try
            {
                await _store.RunAsync(new ParkOperation(partition, cluster, reason, batch) { Cost = batch.Bytes.Length + 256 }, _stop.Token)
                    .ConfigureAwait(false);
                return;
            }
            catch (StorageFailedException e)
            {
                UpLog.NotNoted(_logger, e.Message);
            }

            await Task.Delay(TryAgainAfter, _time, _stop.Token).ConfigureAwait(false);
        }
    }

    private async Task NoteAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            _noteWait = await WaitAsync(_noteWait ?? _note.WaitAsync(CancellationToken.None), Timeout.InfiniteTimeSpan)
                .ConfigureAwait(false);
            while (!await NoteOnceAsync().ConfigureAwait(false) && !_stop.IsCancellationRequested)
            {
                _noteWait = await WaitAsync(_noteWait ?? _note.WaitAsync(CancellationToken.None), TryAgainAfter).ConfigureAwait(false);
            }
        }
    }

    // The places may be ahead of how far the lanes are, never behind.
    private async Task<bool> NoteOnceAsync()
    {
        (ProducerId Producer, StreamPartition Partition, IReadOnlyList<EventPlace> Places)[] stands;
        IReadOnlyList<(LaneId, long)> moved;
        IReadOnlyList<long> gone;
        lock (_lock)
        {
            moved = _window.TakeMoved();
            gone = _window.TakeGone();
            stands = [.. _stands.Select(static s => (s.Key.Producer, s.Key.Partition, s.Value))];
        }

        if (moved.Count == 0 && gone.Count == 0 && stands.Length == 0)
        {
            return true;
        }

        try
        {
            await _store.RunAsync(new UpOperation(moved, gone, stands)
                {
                    Cost = 256 + (64 * (moved.Count + gone.Count + stands.Length)),
                },
                CancellationToken.None).ConfigureAwait(false);
        }
        catch (StreamsException e)
        {
            UpLog.NotNoted(_logger, e.Message);
            _window.PutBack(moved, gone);
            return false;
        }

        lock (_lock)
        {
            foreach ((ProducerId producer, StreamPartition partition, IReadOnlyList<EventPlace> places) in stands)
            {
                if (_stands.TryGetValue((producer, partition), out IReadOnlyList<EventPlace>? now) && ReferenceEquals(now, places))
                {
                    _stands.Remove((producer, partition));
                }
            }
        }

        return true;
    }

    // A wait that was too long is gone on with: a signal that comes meanwhile is not lost.
    private async Task<Task?> WaitAsync(Task signal, TimeSpan atMost)
    {
        try
        {
            await signal.WaitAsync(atMost, _time, _stop.Token).ConfigureAwait(false);
            return null;
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            return signal;
        }
    }
}
