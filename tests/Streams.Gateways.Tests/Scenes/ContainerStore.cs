using Streams.Core;
using Streams.Storage;

namespace Streams.Gateways.Tests;

/// <summary>A container as the store of a gateway. A test may hold what waits for a flush back.</summary>
internal sealed class ContainerStore(Container container) : IEventStore
{
    private TaskCompletionSource? _held;
    private Random? _chance;
    private int _writesLeft;
    private bool _isDead;
    private bool _isCut;
    private TaskCompletionSource? _registers;
    private TaskCompletionSource _registerHeld = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What reading a lane fails with, while set.</summary>
    public Exception? ReadFailure { get; set; }

    /// <summary>What writing a register fails with, while set.</summary>
    public Exception? RegisterFailure { get; set; }

    /// <summary>The process dies within so many writes: nobody hears of the last ones, which may or may not be done, and none is done
    /// after them.</summary>
    public void DieWithin(int writes, Random chance)
    {
        lock (chance)
        {
            _chance = chance;
            _writesLeft = chance.Next(writes);
        }
    }

    public Origin Origin => container.Origin;

    public IReadOnlyList<StreamPath> Streams => container.Streams;

    /// <summary>What appending an event, marked or not, fails with, while set; nothing is appended.</summary>
    public Exception? AppendFailure { get; set; }

    /// <summary>Appends are flushed but not told before <see cref="Release"/>.</summary>
    public void HoldAnswers() => _held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>From now on nothing is written.</summary>
    public void Cut() => _isCut = true;

    public void Release() => _held!.SetResult();

    /// <summary>Completes when the write of a register waits.</summary>
    public Task RegisterHeld => _registerHeld.Task;

    /// <summary>Registers are not written before <see cref="ReleaseRegisters"/>.</summary>
    public void HoldRegisters()
    {
        _registerHeld = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _registers = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    public void ReleaseRegisters()
    {
        TaskCompletionSource? held = _registers;
        _registers = null;
        held!.SetResult();
    }

    public StreamSettings? Settings(StreamPath stream) => container.Settings(stream);

    public ValueTask<StreamSettings> EnsureStreamAsync(StreamPath stream, CancellationToken cancellationToken) =>
        container.EnsureStreamAsync(stream, cancellationToken);

    public ProducerSession BeginProducer(ProducerId producer) => container.BeginProducer(producer);

    public IReadOnlyList<HeldRun> Held(ProducerId producer, StreamPartition partition, long from) =>
        container.Held(producer, partition, from);

    public ValueTask<ProduceResult> ProduceAsync(ProducerSession session, StreamPartition partition, AfterVector after, EventBatch batch,
        CancellationToken cancellationToken) =>
        WriteAsync(() => container.ProduceAsync(session, partition, after, batch, cancellationToken));

    public async ValueTask<EventPlace> AppendPlainAsync(StreamPartition partition, PlainEvent plain, CancellationToken cancellationToken)
    {
        if (AppendFailure is { } failure)
        {
            throw failure;
        }

        EventPlace place = await WriteAsync(() => container.AppendPlainAsync(partition, plain, cancellationToken));
        if (_held is { } held)
        {
            await held.Task;
        }

        return place;
    }

    public async ValueTask<EventPlace?> AppendOnceAsync(StreamPartition partition, PlainEvent plain, Mark mark, bool isNew,
        CancellationToken cancellationToken)
    {
        if (AppendFailure is { } failure)
        {
            throw failure;
        }

        EventPlace? place = await WriteAsync(() => container.AppendOnceAsync(partition, plain, mark, isNew, cancellationToken));
        if (_held is { } held)
        {
            await held.Task;
        }

        return place;
    }

    public ValueTask<bool> ClearMarkAsync(Mark mark, CancellationToken cancellationToken) =>
        WriteAsync(() => container.ClearMarkAsync(mark, cancellationToken));

    public IReadOnlyList<LaneStatus> Lanes(StreamPartition partition) => container.Lanes(partition);

    public ValueTask<LaneSlice> ReadAsync(LaneId lane, Offset from, int maxBytes, CancellationToken cancellationToken) =>
        ReadFailure is { } failure ? throw failure : container.ReadAsync(lane, from, maxBytes, cancellationToken);

    public Offset FindTime(LaneId lane, DateTimeOffset time) => container.FindTime(lane, time);

    public IReadOnlyList<HeldRun> Copies(StreamPartition partition, SequenceRun run, Origin except) =>
        container.Copies(partition, run, except);

    public Cursor Cursor(ConsumerName consumer, StreamPartition partition) => container.Cursor(consumer, partition);

    public ValueTask CommitAsync(ConsumerName consumer, StreamPartition partition, Cursor cursor, CancellationToken cancellationToken) =>
        new(WriteAsync(async () =>
        {
            await container.CommitAsync(consumer, partition, cursor, cancellationToken);
            return true;
        }).AsTask());

    public RegisterFact? Register(StreamPath stream, string key) => container.Register(stream, key);

    public RegisterPage Registers(StreamPath stream, int from, int max) => container.Registers(stream, from, max);

    public async ValueTask ReplaceRegisterAsync(StreamPath stream, RegisterFact known, ReadOnlyMemory<byte> value,
        CancellationToken cancellationToken)
    {
        await RegisterTurnAsync();
        await WriteAsync(async () =>
        {
            await container.ReplaceRegisterAsync(stream, known, value, cancellationToken);
            return true;
        });
    }

    public async ValueTask SetRegisterAsync(StreamPath stream, string key, ReadOnlyMemory<byte> value,
        CancellationToken cancellationToken)
    {
        await RegisterTurnAsync();
        await WriteAsync(async () =>
        {
            await container.SetRegisterAsync(stream, key, value, cancellationToken);
            return true;
        });
    }

    public RetainedHead? RetainedHead(StreamPath stream, ReadOnlySpan<byte> topic) => container.RetainedHead(stream, topic);

    public RetainedPage Retained(StreamPath stream, int from, int max) => container.Retained(stream, from, max);

    public ValueTask<RetainedMessage?> RetainedAsync(StreamPath stream, ReadOnlyMemory<byte> topic, CancellationToken cancellationToken) =>
        container.RetainedAsync(stream, topic, cancellationToken);

    public IDisposable Watch(StreamPath stream, Action changed) => container.Watch(stream, changed);

    private async Task RegisterTurnAsync()
    {
        if (RegisterFailure is { } failure)
        {
            throw failure;
        }

        if (_registers is { } held)
        {
            _registerHeld.TrySetResult();
            await held.Task;
        }
    }

    private async ValueTask<T> WriteAsync<T>(Func<ValueTask<T>> write)
    {
        if (_isCut)
        {
            throw Gone();
        }

        if (_chance is not { } chance)
        {
            return await write();
        }

        bool dies;
        bool isDone;
        lock (chance)
        {
            dies = --_writesLeft < 0;
            _isDead |= dies && (_writesLeft < -5 || chance.Next(2) == 0);
            isDone = !_isDead;                        // as a log is lost: from some write on all of it
        }

        T? result = isDone ? await write() : default;
        return dies ? throw new StorageFailedException("the process is dead") : result!;
    }

    private static TryAgainException Gone() => new("the process was killed");
}
