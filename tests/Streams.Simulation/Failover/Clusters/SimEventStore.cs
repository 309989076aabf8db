using Streams.Core;
using Streams.Gateways;

namespace Streams.Simulation;

/// <summary>The container as gateways see it.</summary>
internal sealed class SimEventStore(ClusterLife life) : IEventStore
{
    public Origin Origin => life.Container.Origin;

    public IReadOnlyList<StreamPath> Streams => life.Container.Streams;

    public StreamSettings? Settings(StreamPath stream) => life.Container.Settings(stream);

    public ValueTask<StreamSettings> EnsureStreamAsync(StreamPath stream, CancellationToken cancellationToken) =>
        life.Container.EnsureStreamAsync(stream, cancellationToken);

    public ProducerSession BeginProducer(ProducerId producer) => life.Container.BeginProducer(producer);

    public IReadOnlyList<HeldRun> Held(ProducerId producer, StreamPartition partition, long from) =>
        life.Container.Held(producer, partition, from);

    public ValueTask<ProduceResult> ProduceAsync(ProducerSession session, StreamPartition partition, AfterVector after, EventBatch batch,
        CancellationToken cancellationToken) => life.Container.ProduceAsync(session, partition, after, batch, cancellationToken);

    public ValueTask<EventPlace> AppendPlainAsync(StreamPartition partition, PlainEvent plain, CancellationToken cancellationToken) =>
        life.Container.AppendPlainAsync(partition, plain, cancellationToken);

    public ValueTask<EventPlace?> AppendOnceAsync(StreamPartition partition, PlainEvent plain, Mark mark, bool isNew,
        CancellationToken cancellationToken) => life.Container.AppendOnceAsync(partition, plain, mark, isNew, cancellationToken);

    public ValueTask<bool> ClearMarkAsync(Mark mark, CancellationToken cancellationToken) =>
        life.Container.ClearMarkAsync(mark, cancellationToken);

    public IReadOnlyList<LaneStatus> Lanes(StreamPartition partition) => life.Container.Lanes(partition);

    public ValueTask<LaneSlice> ReadAsync(LaneId lane, Offset from, int maxBytes, CancellationToken cancellationToken) =>
        life.Container.ReadAsync(lane, from, maxBytes, cancellationToken);

    public Offset FindTime(LaneId lane, DateTimeOffset time) => life.Container.FindTime(lane, time);

    public IReadOnlyList<HeldRun> Copies(StreamPartition partition, SequenceRun run, Origin except) =>
        life.Container.Copies(partition, run, except);

    public Cursor Cursor(ConsumerName consumer, StreamPartition partition) => life.Container.Cursor(consumer, partition);

    public ValueTask CommitAsync(ConsumerName consumer, StreamPartition partition, Cursor cursor, CancellationToken cancellationToken) =>
        life.Container.CommitAsync(consumer, partition, cursor, cancellationToken);

    public RegisterFact? Register(StreamPath stream, string key) => life.Container.Register(stream, key);

    public ValueTask SetRegisterAsync(StreamPath stream, string key, ReadOnlyMemory<byte> value, CancellationToken cancellationToken) =>
        life.Container.SetRegisterAsync(stream, key, value, cancellationToken);

    public RetainedHead? RetainedHead(StreamPath stream, ReadOnlySpan<byte> topic) => life.Container.RetainedHead(stream, topic);

    public RetainedPage Retained(StreamPath stream, int from, int max) => life.Container.Retained(stream, from, max);

    public ValueTask<RetainedMessage?> RetainedAsync(StreamPath stream, ReadOnlyMemory<byte> topic, CancellationToken cancellationToken) =>
        life.Container.RetainedAsync(stream, topic, cancellationToken);

    public IDisposable Watch(StreamPath stream, Action changed) => life.Container.Watch(stream, changed);
}
