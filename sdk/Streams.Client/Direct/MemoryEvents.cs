using System.Buffers;
using System.Text;
using Streams.Core;

namespace Streams.Client;

/// <summary>A producer's events in memory, up to a number of bytes, until a cluster holds them. Safe for use by many threads.</summary>
/// <remarks>They are put together as the batches that they go out in, once, when they come; sending them again copies bytes. A page is
/// closed when it is full or when the sender takes it, so batches grow by themselves when the cluster is slower than the publishers. Who
/// finds no room waits in line; the order of the calls is the order of the sequences.</remarks>
internal sealed class MemoryEvents(ProducerId producer, ulong epoch, long maxBytes, int batchBytes) : IWaitingEvents
{
    private const int MaxSpareBuilders = 32;
    private const int MaxStackBytes = 512;

    // More small batches than these would not be sooner on the cluster's disk: it flushes once for what came meanwhile.
    private const int SmallInFlight = 2;

    private readonly Lock _lock = new();
    private readonly Dictionary<StreamPath, MemoryPartition?[]> _streams = [];
    private readonly List<MemoryPartition> _partitions = [];
    private readonly LinkedList<WaitingEvent> _waiting = [];
    private readonly Stack<EventBatchBuilder> _spare = new();
    private readonly (StreamPartition, long, long, long)[] _run = new (StreamPartition, long, long, long)[1];
    private Action<IReadOnlyList<(StreamPartition Partition, long First, long Last, long Bytes)>>? _appended;
    private Action? _woken;
    private Exception? _closed;
    private EventPage? _read;
    private (long From, long To) _readRange;
    private long _events;
    private long _bytes;
    private int _turn;
    private bool _filled;
    private WakesSender _wakes = WakesSender.Event;

    /// <inheritdoc/>
    public ProducerId Producer => producer;

    /// <inheritdoc/>
    public ulong Epoch => epoch;

    /// <inheritdoc/>
    public IReadOnlyList<RestoredPartition> Restored => [];

    /// <inheritdoc/>
    public bool HasStaged => false;

    /// <inheritdoc/>
    public bool IsSending
    {
        set
        {
            // Nothing here waits for that.
        }
    }

    /// <summary>Called by the sender with how many events it was told of.</summary>
    public Action<long>? Told { get; set; }

    /// <summary>Events that no cluster has confirmed.</summary>
    public long Events => Interlocked.Read(ref _events);

    /// <summary>Bytes that they count.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Takes an event. Completes when it is in memory; <paramref name="pending"/> is told later.</summary>
    /// <exception cref="InvalidRequestException">It is over a limit.</exception>
    /// <exception cref="ObjectDisposedException">Nothing is taken any more.</exception>
    public ValueTask AddAsync(StreamPath stream, TopicName topic, in PlainEvent content, PendingEvent? pending,
        CancellationToken cancellationToken)
    {
        long bytes = PendingPublish.SizeOf(content) + topic.Value.Length;
        WaitingEvent? waits = null;
        bool wake;
        lock (_lock)
        {
            if (_closed is not null)
            {
                throw _closed;
            }

            if (_waiting.Count == 0 && HasRoom(bytes))
            {
                Append(stream, topic, content, bytes, pending);
            }
            else
            {
                waits = new WaitingEvent(stream, topic, content, bytes, pending);
                waits.Node.Value = waits;
                _waiting.AddLast(waits.Node);
            }

            wake = TakeWake();
        }

        if (wake)
        {
            _woken?.Invoke();
        }

        return waits is null ? ValueTask.CompletedTask : WaitAsync(waits, cancellationToken);
    }

    /// <summary>Completes when everything taken before is held by a cluster; with the first refusal, when something of it was refused for
    /// good.</summary>
    public Task FlushAsync()
    {
        PendingFlush flush = new();
        lock (_lock)
        {
            foreach (MemoryPartition partition in _partitions)
            {
                foreach (EventPage page in partition.Fresh)
                {
                    page.IsSealed = true;                // what comes later does not delay it
                    flush.Add();
                    page.Flushes.Add(flush);
                }

                foreach (EventPage page in partition.Told)
                {
                    flush.Add();
                    page.Flushes.Add(flush);
                }
            }

            flush.Done(null);
        }

        return flush.Task;
    }

    /// <summary>Nothing is taken any more; who waits is told <paramref name="why"/>.</summary>
    public void Close(Exception why)
    {
        List<(long Sequence, PendingEvent Pending)> told = [];
        List<WaitingEvent> waiting = [];
        lock (_lock)
        {
            _closed = why;
            waiting.AddRange(_waiting);
            _waiting.Clear();
            foreach (EventPage page in _partitions.SelectMany(static p => p.Fresh.Concat(p.Told)))
            {
                page.TakeAll(told);
                page.Flushes.ForEach(f => f.TrySetException(why));
            }
        }

        foreach (WaitingEvent each in waiting)
        {
            each.TrySetException(why);
        }

        foreach ((_, PendingEvent pending) in told)
        {
            pending.Fail(why);
        }
    }

    /// <inheritdoc/>
    public void Tell(Action<IReadOnlyList<(StreamPartition Partition, long First, long Last, long Bytes)>> appended, Action woken) =>
        (_appended, _woken) = (appended, woken);

    /// <inheritdoc/>
    public void Collect(int inFlight)
    {
        EventPage? page;
        lock (_lock)
        {
            bool small = inFlight < SmallInFlight;
            page = NextPage(small);
            _wakes = page is not null ? WakesSender.Nothing : small ? WakesSender.Event : WakesSender.FullPage;
        }

        if (page is not null)
        {
            _run[0] = (page.Partition, page.First, page.Last, page.Bytes);
            _appended?.Invoke(_run);
            Told?.Invoke(page.Count);
        }
    }

    /// <inheritdoc/>
    public long Read(StreamPartition partition, EventIdentity first, long last, int maxBytes, out int bodyBytes, out bool oneTopic)
    {
        lock (_lock)
        {
            _read = _streams[partition.Stream][partition.Partition.Value]!.PageOf(first.Sequence)
                ?? throw new StorageFailedException($"event {first.Sequence} of {partition} is missing");
        }

        oneTopic = _read.IsOfOneTopic;
        _readRange = (first.Sequence, _read.Fit(first.Sequence, Math.Min(last, _read.Last), maxBytes, out bodyBytes));
        return _readRange.To;
    }

    /// <inheritdoc/>
    public BatchHeader Write(OutgoingBatch batch, BatchCompression compression, IBufferWriter<byte> output) =>
        _read!.Write(batch, _readRange.From, batch.Last, compression, output);

    /// <inheritdoc/>
    public void Drop() => _read = null;

    /// <inheritdoc/>
    public ValueTask LearnAsync(StreamPath stream, int partitions)
    {
        lock (_lock)
        {
            MemoryPartition?[] known = PartitionsOf(stream);
            if (partitions > known.Length && partitions <= PartitionId.MaxCount)
            {
                Array.Resize(ref known, partitions);
                _streams[stream] = known;
            }
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask ConfirmAsync(List<ConfirmedRun> confirmed, IReadOnlyList<StreamPartition> touched,
        Func<StreamPartition, IReadOnlyList<EventPlace>> standOf)
    {
        foreach (ConfirmedRun run in confirmed)
        {
            List<(long Sequence, PendingEvent Pending)> told = [];
            PlacedRun placed = run.Placed;
            Take(run.Partition, placed.First, placed.Last, null, told);
            foreach ((long sequence, PendingEvent pending) in told)
            {
                pending.Complete(new StoredEvent(run.Partition.Stream, run.Partition.Partition,
                    new EventPlace(placed.Origin, placed.FirstOffset + (sequence - placed.First))));
            }
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask ParkAsync(ClusterName cluster, StreamPartition partition, long first, long last, string reason)
    {
        InvalidRequestException refused = new($"{cluster} refused the event for good: {reason}");
        List<(long Sequence, PendingEvent Pending)> told = [];
        Take(partition, first, last, refused, told);
        foreach ((_, PendingEvent pending) in told)
        {
            pending.Fail(refused);
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask SetAsideAsync(StreamPartition partition, UnreadableEventException unreadable) =>
        throw new InvalidOperationException("events in memory are always readable", unreadable);

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private async ValueTask WaitAsync(WaitingEvent waits, CancellationToken cancellationToken)
    {
        using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(_ => Leave(waits, cancellationToken), null);
        await waits.Task.ConfigureAwait(false);
    }

    private void Leave(WaitingEvent waits, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (waits.Node.List is not null)
            {
                _waiting.Remove(waits.Node);
                waits.TrySetCanceled(cancellationToken);
                Admit();                                 // a smaller one behind it may have room
            }
        }
    }

    private bool HasRoom(long bytes) => _bytes == 0 || _bytes + bytes <= maxBytes;

    // Asked behind each event: a sender that waits for full pages is not woken for others.
    private bool TakeWake()
    {
        bool wake = _wakes == WakesSender.Event || (_wakes == WakesSender.FullPage && _filled);
        _filled = false;
        _wakes = wake ? WakesSender.Nothing : _wakes;
        return wake;
    }

    private void Append(StreamPath stream, TopicName topic, in PlainEvent content, long bytes, PendingEvent? pending)
    {
        int room = topic.Value.Length <= MaxStackBytes / 3 ? MaxStackBytes : Encoding.UTF8.GetByteCount(topic.Value);
        Span<byte> utf8 = room == MaxStackBytes ? stackalloc byte[MaxStackBytes] : new byte[room];
        utf8 = utf8[..Encoding.UTF8.GetBytes(topic.Value, utf8)];
        MemoryPartition?[] partitions = PartitionsOf(stream);
        PartitionId id = Partitioner.For(content.Key.Span, utf8, partitions.Length);
        MemoryPartition partition = partitions[id.Value] ?? NewPartition(partitions, new StreamPartition(stream, id));
        int hash = topic.Value.GetHashCode(StringComparison.Ordinal);
        if (partition.Open is not { IsSealed: false } open || !open.TryAdd(utf8, hash, content, bytes, batchBytes, pending))
        {
            _filled |= partition.Open is not null;
            EventPage page = new(partition.Partition, partition.Next, _spare.TryPop(out EventBatchBuilder? spare) ? spare : new());
            page.TryAdd(utf8, hash, content, bytes, batchBytes, pending);
            partition.Fresh.Enqueue(page);
            partition.Open = page;
        }

        partition.Next++;
        _events++;
        _bytes += bytes;
    }

    private MemoryPartition?[] PartitionsOf(StreamPath stream)
    {
        if (!_streams.TryGetValue(stream, out MemoryPartition?[]? partitions))
        {
            _streams.Add(stream, partitions = new MemoryPartition?[StreamSettings.DefaultPartitions]);
        }

        return partitions;
    }

    private MemoryPartition NewPartition(MemoryPartition?[] partitions, StreamPartition partition)
    {
        if (_partitions.Count >= HelloRequest.MaxPartitions)
        {
            throw new InvalidRequestException(
                $"this producer has had events of {HelloRequest.MaxPartitions} partitions, more do not fit one hello");
        }

        MemoryPartition made = new(partition);
        partitions[partition.Partition.Value] = made;
        _partitions.Add(made);
        return made;
    }

    private EventPage? NextPage(bool small)
    {
        for (int i = 0; i < _partitions.Count; i++)
        {
            _turn = (_turn + 1) % _partitions.Count;
            MemoryPartition partition = _partitions[_turn];
            if (partition.Fresh.TryPeek(out EventPage? page) && (small || page != partition.Open))
            {
                partition.Fresh.Dequeue();
                partition.Open = page == partition.Open ? null : partition.Open;
                page.IsSealed = true;
                partition.Told.Add(page);
                return page;
            }
        }

        return null;
    }

    private void Take(StreamPartition id, long first, long last, Exception? refused, List<(long Sequence, PendingEvent Pending)> told)
    {
        lock (_lock)
        {
            MemoryPartition partition = _streams[id.Stream][id.Partition.Value]!;
            for (int at = partition.IndexOf(first); at < partition.Told.Count && partition.Told[at].First <= last;)
            {
                EventPage page = partition.Told[at];
                long from = Math.Max(first, page.First);
                long to = Math.Min(last, page.Last);
                page.Take(from, to, told);
                page.Refused ??= refused;
                _events -= to - from + 1;
                if (!page.IsDone)
                {
                    at++;
                    continue;
                }

                partition.Told.RemoveAt(at);
                Done(page);
            }

            Admit();
        }
    }

    private void Done(EventPage page)
    {
        _bytes -= page.Bytes;
        foreach (PendingFlush flush in page.Flushes)
        {
            flush.Done(page.Refused);
        }

        if (_spare.Count < MaxSpareBuilders)
        {
            page.Builder.Clear();
            _spare.Push(page.Builder);
        }
    }

    private void Admit()
    {
        while (_closed is null && _waiting.First is { } first && HasRoom(first.Value.Bytes))
        {
            WaitingEvent next = first.Value;
            _waiting.RemoveFirst();
            try
            {
                Append(next.Stream, next.Topic, next.Content, next.Bytes, next.Pending);
                next.TrySetResult();
            }
            catch (InvalidRequestException e)
            {
                next.TrySetException(e);
            }
        }
    }

    private sealed class MemoryPartition(StreamPartition partition)
    {
        public StreamPartition Partition => partition;

        public long Next { get; set; } = 1;

        // The page that events are added to: the last of Fresh, or none.
        public EventPage? Open { get; set; }

        // The sender does not know of these.
        public Queue<EventPage> Fresh { get; } = new();

        // The sender knows of these; in the order of sequences.
        public List<EventPage> Told { get; } = [];

        public int IndexOf(long sequence)
        {
            int low = 0;
            int high = Told.Count;
            while (low < high)
            {
                int middle = (low + high) >> 1;
                if (Told[middle].Last < sequence)
                {
                    low = middle + 1;
                }
                else
                {
                    high = middle;
                }
            }

            return low;
        }

        public EventPage? PageOf(long sequence)
        {
            int at = IndexOf(sequence);
            return at < Told.Count && Told[at].First <= sequence ? Told[at] : null;
        }
    }

    private sealed class WaitingEvent(StreamPath stream, TopicName topic, in PlainEvent content, long bytes, PendingEvent? pending)
        : TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public StreamPath Stream => stream;

        public TopicName Topic => topic;

        public PlainEvent Content { get; } = content;

        public long Bytes => bytes;

        public PendingEvent? Pending => pending;

        public LinkedListNode<WaitingEvent> Node { get; } = new(null!);
    }

    private enum WakesSender
    {
        Nothing,
        Event,
        FullPage,
    }
}
