using Streams.Core;
using Streams.Gateways;
using Streams.Storage;

namespace Streams.Server;

/// <summary>The container as gateways see it.</summary>
internal sealed class ContainerEventStore(Engine engine) : IEventStore
{
    private Container Any => engine.Container;

    public Origin Origin => Any.Origin;

    public IReadOnlyList<StreamPath> Streams => Any.Streams;

    public StreamSettings? Settings(StreamPath stream) => Any.Settings(stream);

    public ValueTask<StreamSettings> EnsureStreamAsync(StreamPath stream, CancellationToken cancellationToken) =>
        Any.EnsureStreamAsync(stream, cancellationToken);

    public ProducerSession BeginProducer(ProducerId producer) => Any.BeginProducer(producer);

    public IReadOnlyList<HeldRun> Held(ProducerId producer, StreamPartition partition, long from) =>
        engine.For(partition).Held(producer, partition, from);

    public ValueTask<ProduceResult> ProduceAsync(ProducerSession session, StreamPartition partition, AfterVector after, EventBatch batch,
        CancellationToken cancellationToken) => engine.For(partition).ProduceAsync(session, partition, after, batch, cancellationToken);

    public IReadOnlyList<Task<ProduceResult>> ProduceAll(IReadOnlyList<ProducedBatch> batches) => Any.ProduceAll(batches);

    public ValueTask<EventPlace> AppendPlainAsync(StreamPartition partition, PlainEvent plain, CancellationToken cancellationToken) =>
        engine.For(partition).AppendPlainAsync(partition, plain, cancellationToken);

    public ValueTask<EventPlace?> AppendOnceAsync(StreamPartition partition, PlainEvent plain, Mark mark, bool isNew,
        CancellationToken cancellationToken) => engine.For(partition).AppendOnceAsync(partition, plain, mark, isNew, cancellationToken);

    public ValueTask<bool> ClearMarkAsync(Mark mark, CancellationToken cancellationToken) =>
        Any.ClearMarkAsync(mark, cancellationToken);

    public IReadOnlyList<LaneStatus> Lanes(StreamPartition partition) => engine.For(partition).Lanes(partition);

    public ValueTask<LaneSlice> ReadAsync(LaneId lane, Offset from, int maxBytes, CancellationToken cancellationToken) =>
        engine.For(lane.Partition).ReadAsync(lane, from, maxBytes, cancellationToken);

    public Offset FindTime(LaneId lane, DateTimeOffset time) => engine.For(lane.Partition).FindTime(lane, time);

    public IReadOnlyList<HeldRun> Copies(StreamPartition partition, SequenceRun run, Origin except) =>
        engine.For(partition).Copies(partition, run, except);

    public Cursor Cursor(ConsumerName consumer, StreamPartition partition) => engine.For(partition).Cursor(consumer, partition);

    public ValueTask CommitAsync(ConsumerName consumer, StreamPartition partition, Cursor cursor, CancellationToken cancellationToken) =>
        engine.For(partition).CommitAsync(consumer, partition, cursor, cancellationToken);

    public RegisterFact? Register(StreamPath stream, string key) => Any.Register(stream, key);

    public RegisterPage Registers(StreamPath stream, int from, int max) => Any.Registers(stream, from, max);

    public ValueTask SetRegisterAsync(StreamPath stream, string key, ReadOnlyMemory<byte> value, CancellationToken cancellationToken) =>
        Any.SetRegisterAsync(stream, key, value, cancellationToken);

    public ValueTask ReplaceRegisterAsync(StreamPath stream, RegisterFact known, ReadOnlyMemory<byte> value,
        CancellationToken cancellationToken) =>
        Any.ReplaceRegisterAsync(stream, known, value, cancellationToken);

    public RetainedHead? RetainedHead(StreamPath stream, ReadOnlySpan<byte> topic) => Any.RetainedHead(stream, topic);

    public RetainedPage Retained(StreamPath stream, int from, int max) => Any.Retained(stream, from, max);

    public ValueTask<RetainedMessage?> RetainedAsync(StreamPath stream, ReadOnlyMemory<byte> topic, CancellationToken cancellationToken) =>
        Any.RetainedAsync(stream, topic, cancellationToken);

    public IDisposable Watch(StreamPath stream, Action changed) => Any.Watch(stream, changed);
}
