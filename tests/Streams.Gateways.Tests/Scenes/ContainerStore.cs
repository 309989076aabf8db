using Streams.Core;
using Streams.Storage;

namespace Streams.Gateways.Tests;

/// <summary>A container as the store of a gateway. A test may hold what waits for a flush back.</summary>
internal sealed class ContainerStore(Container container) : IEventStore
{
    private TaskCompletionSource? _held;

    /// <summary>What reading a lane fails with, while set.</summary>
    public Exception? ReadFailure { get; set; }

    /// <summary>What writing a register fails with, while set.</summary>
    public Exception? RegisterFailure { get; set; }

    private bool _isCut;

    public Origin Origin => container.Origin;

    public IReadOnlyList<StreamPath> Streams => container.Streams;

    /// <summary>What appending a plain event fails with, while set.</summary>
    public Exception? AppendFailure { get; set; }

    /// <summary>Plain appends are flushed but not told before <see cref="Release"/>.</summary>
    public void HoldAnswers() => _held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>From now on nothing is written.</summary>
    public void Cut() => _isCut = true;

    public void Release() => _held!.SetResult();

    public StreamSettings? Settings(StreamPath stream) => container.Settings(stream);

    public ValueTask<StreamSettings> EnsureStreamAsync(StreamPath stream, CancellationToken cancellationToken) =>
        container.EnsureStreamAsync(stream, cancellationToken);

    public ProducerSession BeginProducer(ProducerId producer) => container.BeginProducer(producer);

    public IReadOnlyList<HeldRun> Held(ProducerId producer, StreamPartition partition, long from) =>
        container.Held(producer, partition, from);

    public ValueTask<ProduceResult> ProduceAsync(ProducerSession session, StreamPartition partition, AfterVector after, EventBatch batch,
        CancellationToken cancellationToken) =>
        _isCut ? throw Gone() : container.ProduceAsync(session, partition, after, batch, cancellationToken);

    public async ValueTask<EventPlace> AppendPlainAsync(StreamPartition partition, PlainEvent plain, CancellationToken cancellationToken)
    {
        if (AppendFailure is { } failure)
        {
            throw failure;
        }

        EventPlace place = _isCut ? throw Gone() : await container.AppendPlainAsync(partition, plain, cancellationToken);
        if (_held is { } held)
        {
            await held.Task;
        }

        return place;
    }

    public IReadOnlyList<LaneStatus> Lanes(StreamPartition partition) => container.Lanes(partition);

    public ValueTask<LaneSlice> ReadAsync(LaneId lane, Offset from, int maxBytes, CancellationToken cancellationToken) =>
        ReadFailure is { } failure ? throw failure : container.ReadAsync(lane, from, maxBytes, cancellationToken);

    public Offset FindTime(LaneId lane, DateTimeOffset time) => container.FindTime(lane, time);

    public IReadOnlyList<HeldRun> Copies(StreamPartition partition, SequenceRun run, Origin except) =>
        container.Copies(partition, run, except);

    public Cursor Cursor(ConsumerName consumer, StreamPartition partition) => container.Cursor(consumer, partition);

    public ValueTask CommitAsync(ConsumerName consumer, StreamPartition partition, Cursor cursor, CancellationToken cancellationToken) =>
        _isCut ? throw Gone() : container.CommitAsync(consumer, partition, cursor, cancellationToken);

    public RegisterFact? Register(StreamPath stream, string key) => container.Register(stream, key);

    public RegisterPage Registers(StreamPath stream, int from, int max) => container.Registers(stream, from, max);

    public ValueTask SetRegisterAsync(StreamPath stream, string key, ReadOnlyMemory<byte> value, CancellationToken cancellationToken) =>
        Refusal is { } failure ? throw failure : container.SetRegisterAsync(stream, key, value, cancellationToken);

    public ValueTask ReplaceRegisterAsync(StreamPath stream, RegisterFact known, ReadOnlyMemory<byte> value,
        CancellationToken cancellationToken) =>
        Refusal is { } failure ? throw failure : container.ReplaceRegisterAsync(stream, known, value, cancellationToken);

    public RetainedHead? RetainedHead(StreamPath stream, ReadOnlySpan<byte> topic) => container.RetainedHead(stream, topic);

    public RetainedPage Retained(StreamPath stream, int from, int max) => container.Retained(stream, from, max);

    public ValueTask<RetainedMessage?> RetainedAsync(StreamPath stream, ReadOnlyMemory<byte> topic, CancellationToken cancellationToken) =>
        container.RetainedAsync(stream, topic, cancellationToken);

    public IDisposable Watch(StreamPath stream, Action changed) => container.Watch(stream, changed);

    private Exception? Refusal => _isCut ? Gone() : RegisterFailure;

    private static TryAgainException Gone() => new("the process was killed");
}
