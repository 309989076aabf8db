using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Storage;

/// <summary>The unit of storage: one append-only log and the state derived from it. Holds lanes, own and foreign, with all that belongs
/// to them.</summary>
/// <remarks>Safe for use by many threads. Whatever is answered, read or held is flushed (rule R1); only events of streams whose durability
/// is <see cref="Durability.Written"/> are answered when they are written, and read and held from the next flush on. Failure: when the
/// disk refuses a write or a flush, nothing of that group is acknowledged, what was flushed before stays readable, and writing goes on by
/// itself once there is room, or the end of the log is verified (<see cref="WritePhase"/>). Only when it cannot go on at all
/// <see cref="Failed"/> completes: dispose of it and open it again. A crash at any point loses nothing that was acknowledged, but for
/// a power cut and what was only written.</remarks>
public sealed partial class Container : IAsyncDisposable
{
    private readonly ContainerOptions _options;
    private readonly ILogger _logger;
    private readonly ContainerState _state;
    private readonly SegmentLog _log;
    private readonly StateSaver? _saver;
    private readonly SessionTable _sessions;
    private readonly WriteQueue _queue;
    private readonly WatchList _watches;
    private readonly GroupWriter _writer;
    private readonly IndexKeeper _indexes;
    private readonly Reclaimer _reclaimer;
    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly long _openedAt;
    private readonly Task _running;
    private int _disposed;

    private Container(ContainerOptions options, TimeProvider time, Random random, ILogger logger, ContainerOpener opened)
    {
        _options = options;
        _time = time;
        _openedAt = time.GetTimestamp();
        _logger = logger;
        _state = opened.State;
        _log = opened.Log;
        _saver = opened.Saver;
        Recovery = opened.Report;
        _sessions = new SessionTable(time.GetUtcNow().ToUnixTimeMilliseconds() << 16);
        _queue = new WriteQueue(options.PendingBytes, options.PendingOperations);
        _watches = new WatchList(logger);
        Stager stager = new(_state, _sessions, time, random, options);
        _indexes = new IndexKeeper(opened.Disk, _state, _gate, inBackground: options.Disk is null, logger);
        _writer = new GroupWriter(_queue, stager, _log, _indexes, _gate, _watches, options, time, logger)
        {
            Published = records => _saver?.Published(records, _log.NextPosition, _gate),
        };
        _reclaimer = new Reclaimer(_log, TakeSegments, ForgetSegment, RestateAsync, new RetainedPlaces(_state, _gate), logger);
        _running = Task.Factory.StartNew(_writer.RunAsync, CancellationToken.None, TaskCreationOptions.DenyChildAttach,
            TaskScheduler.Current).Unwrap();
    }

    /// <summary>What opening found and did.</summary>
    public RecoveryReport Recovery { get; }

    /// <summary>Completes, with the reason, when writing cannot go on by itself: the log is gone, or this program is at fault. Never
    /// faults.</summary>
    public Task<StorageFailedException> Failed => _writer.Failed;

    /// <summary>Groups that were staged while the one before was being flushed.</summary>
    internal long Overlapped => _writer.Overlapped;

    /// <summary>The origin that is written under; before writing began, the one written under last; the default when the container is
    /// new.</summary>
    public Origin Origin
    {
        get
        {
            lock (_gate)
            {
                return _state.OwnOrigin ?? default;
            }
        }
    }

    /// <summary>Opens a container, or makes one where there is none: reads the log, cuts a torn tail, rebuilds what is derived. It does
    /// not write own entries before <see cref="StartWritingAsync"/>. Nobody else may have the same folder open.</summary>
    /// <exception cref="ConfigurationException">The options are faulty.</exception>
    /// <exception cref="StorageFailedException">The disk refused.</exception>
    /// <exception cref="InvalidFormatException">The log is of a version that this program does not know.</exception>
    public static async ValueTask<Container> OpenAsync(ContainerOptions options, TimeProvider time, Random random, ILogger logger,
        CancellationToken cancellationToken)
    {
        options.Validate();
        cancellationToken.ThrowIfCancellationRequested();
        ContainerOpener opener = new(options, time, logger);
        if (options.Disk is null)
        {
            await Task.Run(opener.Open, CancellationToken.None);
        }
        else
        {
            opener.Open();                            // a simulated disk does not block, and a simulation wants no other threads
        }

        Container container = new(options, time, random, logger, opener);
        logger.Opened(options.Id, opener.Log.Count, opener.Log.NextPosition, opener.State.Lanes.Count, opener.State.Entries,
            opener.Report.SegmentsFromIndex);
        return container;
    }

    /// <summary>Sets the origin under which own entries go; completes when that is flushed. Until then produce, append and commit are
    /// refused.</summary>
    /// <exception cref="InvalidRequestException">A later incarnation of this cluster is known: this origin is closed (rule
    /// R15).</exception>
    /// <exception cref="StorageFailedException">The disk refused.</exception>
    public async ValueTask StartWritingAsync(Origin origin, CancellationToken cancellationToken)
    {
        await RunAsync(new OriginOperation(origin) { Cost = SmallCost }, cancellationToken);
        _logger.Writing(origin);
    }

    /// <summary>Opens a new incarnation of this cluster (rules R14, R15): <see cref="Origin"/> is the new one when it completes,
    /// flushed, and all sessions of producers are over.</summary>
    /// <exception cref="TryAgainException">Writing has not begun.</exception>
    /// <exception cref="StorageFailedException">The disk refused.</exception>
    public async ValueTask OpenIncarnationAsync(string reason, CancellationToken cancellationToken)
    {
        Origin origin = await RunAsync(new OriginOperation(null) { Cost = SmallCost }, cancellationToken);
        _logger.NewIncarnation(origin, reason);
    }

    /// <summary>The container at this moment.</summary>
    public ContainerStatus Status()
    {
        lock (_gate)
        {
            return new ContainerStatus(_options.Id, _log.NextPosition, _log.Count, _state.Entries, _state.Events, _state.Lanes.Count,
                _writer.Flushes,
                _writer.BytesWritten, _queue.PendingBytes, _writer.AnsweredBytes, _writer.Phase, _writer.Reason);
        }
    }

    /// <summary>Calls <paramref name="changed"/> after each flush that brought something to <paramref name="stream"/>, also from links.
    /// The call comes on the writer's thread: set a flag and return. Dispose to stop; a call under way may still end after that.</summary>
    public IDisposable Watch(StreamPath stream, Action changed) => _watches.Add(stream, changed);

    /// <summary>Calls <paramref name="changed"/> after each flush that made lanes longer. On the writer's thread: set a flag and
    /// return.</summary>
    public IDisposable Watch(Action changed) => _watches.Add(null, changed);

    /// <summary>Carries out what waits, then closes. Later operations are refused.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        _queue.Close(new TryAgainException("the store is closed"), dropAll: false);
        await _running;
        await _indexes.FinishAsync();
        await _reclaiming.WaitAsync();                // what it asks for from now on is refused, so it ends soon
        if (_saver is not null)
        {
            await _saver.FinishAsync(_writer.Failed.IsCompleted ? null : _log.NextPosition);
            _saver.Dispose();
        }

        _log.Dispose();
    }

    private Task<T> RunAsync<T>(Operation<T> operation, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _queue.Add(operation, cancellationToken);
        return operation.Answer;
    }
}
