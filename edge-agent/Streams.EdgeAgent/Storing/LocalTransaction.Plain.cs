using System.Runtime.InteropServices;
using System.Text;
using Streams.Client;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>Events of clients without an outbox: those of one client for one partition that share a transaction share a batch, under an
/// identity that the store gives the client.</summary>
internal sealed partial class LocalTransaction
{
    private const int KeptBuilders = 16;
    private const int MaxKnown = 20_000;             // some 100 bytes each; more are read from the file again

    private readonly Dictionary<(StreamPartition Partition, string Client), PlainBatch> _open = [];
    private readonly List<PlainBatch> _inOrder = [];
    private readonly Stack<EventBatchBuilder> _builders = [];
    private readonly Dictionary<(string Name, int Line), (long Row, ProducerId Producer)> _clients = [];
    private readonly Dictionary<(long Client, StreamPartition Partition), long> _sequences = [];
    private readonly Dictionary<(StreamPath Stream, string Topic), long> _stamps = [];

    private sealed class PlainBatch(StreamPartition partition, string client, RouteChoice way, EventBatchBuilder builder)
    {
        public StreamPartition Partition => partition;

        public RouteChoice Way { get; set; } = way;

        public long Counted { get; set; }

        public string Client => client;

        public EventBatchBuilder Builder => builder;

        public List<AppendPlainOperation> Operations { get; } = [];

        public bool HasRetained { get; set; }
    }

    /// <summary>An event; it may share a batch with others of its client.</summary>
    /// <exception cref="InvalidRequestException">Over a limit.</exception>
    /// <exception cref="TryAgainException">There is no room.</exception>
    public void AppendPlain(AppendPlainOperation operation)
    {
        PlainEvent plain = operation.Plain;
        string client = plain.Client ?? string.Empty;
        RouteChoice way = Choose(operation.Partition.Stream, plain);
        RequireRoom(plain.Topic.Length + plain.Key.Length + plain.Headers.Length + plain.Payload.Length + BatchHeader.Size
            + (way.IsRouted ? RoutedExtra : 0));
        way = Enter(operation.Partition.Stream, plain, way);
        if (plain.IsRetained)
        {
            operation.StampAt(Stamp(operation.Partition.Stream, plain));
        }

        (StreamPartition, string) key = (operation.Partition, client);
        int most = way.IsRouted ? Math.Min(_options.PlainBatchBytes, RoutedBatchBytes) : _options.PlainBatchBytes;
        if (_open.TryGetValue(key, out PlainBatch? batch) && (batch.Way != way || way.IsAlone || !TryAdd(batch, operation, most)))
        {
            _open.Remove(key);                         // it is closed at its turn
            batch = null;
        }

        if (batch is null)
        {
            batch = new PlainBatch(operation.Partition, client, way, _builders.TryPop(out EventBatchBuilder? kept) ? kept : new());
            TryAdd(batch, operation, EventLimits.MaxBatchBytes);
            _open[key] = batch;
            _inOrder.Add(batch);
        }

        if (way.IsRouted)
        {
            batch.Counted += Counted(plain);
            NoteLatest(operation.Partition.Stream, plain, batch);
        }
    }

    private static bool TryAdd(PlainBatch batch, AppendPlainOperation operation, int maxBytes)
    {
        PlainEvent plain = operation.Plain;
        if (!batch.Builder.TryAdd(plain.Topic.Span, plain.Key.Span, plain.Headers.Span, plain.Payload.Span, plain.TimestampMicroseconds,
            maxBytes, plain.IsRetained))
        {
            return false;
        }

        batch.Operations.Add(operation);
        batch.HasRetained |= plain.IsRetained;
        return true;
    }

    private void CloseBatches()
    {
        foreach (PlainBatch open in _inOrder)
        {
            (long client, ProducerId producer) = ClientOf(open.Client, open.Way.IsRouted ? ClientLine.Routed : ClientLine.Plain);
            long last = LastSequence(client, open.Partition);
            EventBatch batch = open.Builder.Build(new EventIdentity(producer, Epoch, last + 1), default, mayHaveTwins: false);
            LaneRow lane = Lane(new LaneId(open.Partition, _identity.Origin));
            long offset = Append(lane, AfterVector.Empty, batch.Bytes.Span, batch.Header.Count);
            Note(client, open.Partition, batch.Header.LastSequence);
            if (open.Way.IsRouted)
            {
                PutWay(LocalSchema.EntryId(lane.Row, offset), open, client, batch);
            }

            if (open.HasRetained)
            {
                Retain(lane, offset, batch);
            }

            for (int i = 0; i < open.Operations.Count; i++)
            {
                open.Operations[i].PlaceAt(new EventPlace(_identity.Origin, new Offset(offset + i)));
            }

            if (_builders.Count < KeptBuilders)
            {
                _builders.Push(open.Builder);
            }
        }

        _inOrder.Clear();
        _open.Clear();
    }

    private (long Row, ProducerId Producer) ClientOf(string name, int line)
    {
        if (_clients.TryGetValue((name, line), out (long Row, ProducerId Producer) known))
        {
            return known;
        }

        ProducerId producer = _identity.ProducerOf(name, line);
        Span<byte> id = stackalloc byte[ProducerId.Size];
        producer.Write(id);
        Statement select = _db.Use("SELECT id FROM clients WHERE producer=?1").Bind(1, id);
        long row = select.Step() ? select.Long(0) : 0;
        select.Reset();
        if (row == 0)
        {
            Statement insert = _db.Use("INSERT INTO clients(producer, name) VALUES(?1, ?2) RETURNING id").Bind(1, id).Bind(2, name);
            row = insert.Step() ? insert.Long(0) : 0;
            insert.Run();
        }

        if (_clients.Count >= MaxKnown)
        {
            _clients.Clear();
        }

        return _clients[(name, line)] = (row, producer);
    }

    private long LastSequence(long client, StreamPartition partition)
    {
        if (_sequences.TryGetValue((client, partition), out long last))
        {
            return last;
        }

        Statement select = _db.Use("SELECT last FROM sequences WHERE client=?1 AND stream=?2 AND partition=?3")
            .Bind(1, client).Bind(2, partition.Stream.Value).Bind(3, (long)partition.Partition.Value);
        last = select.Step() ? select.Long(0) : 0;
        select.Reset();
        return last;
    }

    private void Note(long client, StreamPartition partition, long last)
    {
        if (_sequences.Count >= MaxKnown)
        {
            _sequences.Clear();
        }

        _sequences[(client, partition)] = last;
        _db.Use("INSERT INTO sequences(client, stream, partition, last, at) VALUES(?1, ?2, ?3, ?4, ?5)"
                + " ON CONFLICT DO UPDATE SET last=?4, at=?5")
            .Bind(1, client).Bind(2, partition.Stream.Value).Bind(3, (long)partition.Partition.Value).Bind(4, last).Bind(5, _now).Run();
    }

    // A retained event comes behind its topic's retained message, whatever the clock here says.
    private long Stamp(StreamPath stream, in PlainEvent plain)
    {
        ref long staged = ref CollectionsMarshal.GetValueRefOrAddDefault(_stamps, (stream, Encoding.UTF8.GetString(plain.Topic.Span)),
            out bool exists);
        long before = exists ? staged : RetainedAt(stream, plain.Topic.Span);
        return staged = Math.Max(plain.TimestampMicroseconds, before == long.MaxValue ? before : before + 1);
    }
}
