using System.Text;
using Streams.Core;

namespace Streams.Storage;

/// <summary>Gathers the names of the facts that records of the log tell, each once. Runs of producers are merged where they go
/// on.</summary>
internal sealed class FactGatherer(RetainedPlaces retained)
{
    private readonly HashSet<FactKey> _keys = [];
    private readonly ProducerLedger _runs = new();
    private long _runCount;

    /// <summary>How many there are, at most.</summary>
    public long Count => _keys.Count + _runCount;

    /// <summary>Bytes that they will take when they are written again, about.</summary>
    public long Cost { get; private set; }

    public IEnumerable<FactKey> Keys => _keys.Concat(_runs.All().Select(r => FactKey.Held(r.Partition, r.Run)));

    /// <summary>Takes what a record tells that is not in the entries kept. Its checksum was good.</summary>
    /// <param name="kind">Its kind.</param>
    /// <param name="body">Its body.</param>
    /// <param name="lane">The lane of an entry or of a skip, if it is known.</param>
    /// <param name="position">Where it stands in the log.</param>
    public void Add(RecordKind kind, ReadOnlyMemory<byte> body, LaneId? lane, long position)
    {
        switch (kind)
        {
            case RecordKind.LaneEntry or RecordKind.LaneRepaired when lane is { } of
                && RecordBodies.TryReadEntry(body, out _, out LaneEntry? entry):
                AddEntry(of, entry!, position);
                break;
            case RecordKind.LaneSkip when lane is { } of:
                Add(FactKey.Begin(of));
                break;
            case RecordKind.LaneLost when lane is { } of:
                Add(FactKey.Missing(of));
                break;
            case RecordKind.Joined when RecordBodies.TryReadItem(body, out StateItem item):
                AddItem(item, position);
                break;
            case RecordKind.OriginSet:
                Add(FactKey.OwnOrigin());
                break;
        }
    }

    private void AddEntry(LaneId lane, LaneEntry entry, long position)
    {
        StreamPartition partition = lane.Partition;
        switch (entry.Kind)
        {
            case EntryKind.Opened:
                Add(FactKey.Opened(lane.Origin.Cluster));
                break;
            case EntryKind.Events when BatchHeader.TryRead(entry.Body.Span, out BatchHeader batch, out _):
                AddRun(partition, new HeldRun(batch.Run, lane.Origin, entry.BaseOffset));
                AddRetained(partition.Stream, entry, position);
                break;
            case EntryKind.Cursors when CursorCommits.TryRead(entry.Body, out List<KeyValuePair<ConsumerName, Cursor>> commits):
                foreach ((ConsumerName consumer, _) in commits)
                {
                    Add(FactKey.Cursor(partition, consumer));
                }

                break;
            case EntryKind.Topics when TopicFacts.TryRead(entry.Body, out List<TopicFact> topics):
                AddTopics(partition.Stream, topics);
                break;
            case EntryKind.Registers when RegisterFacts.TryRead(entry.Body, out List<RegisterFact> facts):
                AddRegisters(partition.Stream, facts);
                break;
        }
    }

    private void AddItem(in StateItem item, long position)
    {
        StreamPartition partition = item.Partition;
        switch (item.Kind)
        {
            case StateKind.Cursor when StateItems.TryReadCursor(item, out ConsumerName consumer, out _):
                Add(FactKey.Cursor(partition, consumer));
                break;
            case StateKind.Register when RegisterFacts.TryRead(item.Body, out List<RegisterFact> facts):
                AddRegisters(partition.Stream, facts);
                break;
            case StateKind.Topics when TopicFacts.TryRead(item.Body, out List<TopicFact> topics):
                AddTopics(partition.Stream, topics);
                break;
            case StateKind.Opened when StateItems.TryReadOpened(item, out Origin origin):
                Add(FactKey.Opened(origin.Cluster));
                break;
            case StateKind.Held when StateItems.TryReadHeld(item, out HeldRun held):
                AddRun(partition, held);
                break;
            case StateKind.Retained when RetainedItem.TryRead(item, position, out RetainedItem of):
                byte[] topic = Encoding.UTF8.GetBytes(of.Topic.Topic.Value);
                AddRetained(partition.Stream, topic, position, of.Mark.Offset, item.Body.Length);
                break;
        }
    }

    // Of all events that were to be retained only those that are so still count, and whose record this is.
    private void AddRetained(StreamPath stream, LaneEntry entry, long position)
    {
        if (!retained.HasAny(stream) || !EventBatch.TryParse(entry.Body, out EventBatch? batch, out _))
        {
            return;
        }

        foreach (EventView view in batch!.Events)
        {
            if (view.IsRetained)
            {
                AddRetained(stream, view.Topic.Span, position, entry.BaseOffset.Value + view.Index,
                    view.Payload.Length + view.Headers.Length + view.Key.Length);
            }
        }
    }

    private void AddRetained(StreamPath stream, ReadOnlySpan<byte> topic, long position, long offset, int bytes)
    {
        if (retained.IsAt(stream, topic, position, offset))
        {
            Add(FactKey.Retained(stream, Encoding.UTF8.GetString(topic), bytes));
        }
    }

    private void AddTopics(StreamPath stream, List<TopicFact> topics)
    {
        foreach (TopicFact fact in topics)
        {
            Add(FactKey.Topic(stream, fact.Topic));
        }
    }

    private void AddRegisters(StreamPath stream, List<RegisterFact> facts)
    {
        foreach (RegisterFact fact in facts)
        {
            Add(FactKey.Register(stream, fact.Key));
            Cost += fact.Value.Length;
        }
    }

    private void AddRun(StreamPartition partition, HeldRun run)
    {
        // A run that goes on where one ended costs nothing more.
        if (_runs.Add(partition, run, out HeldRun merged) && merged == run)
        {
            _runCount++;
            Cost += FactKey.Held(partition, run).Cost;
        }
    }

    private void Add(in FactKey key)
    {
        if (_keys.Add(key))
        {
            Cost += key.Cost;
        }
    }
}
