using System.Globalization;
using System.Text;
using Streams.Core;

namespace Streams.Storage;

/// <summary>Puts into words what a record says.</summary>
internal sealed class RecordFields
{
    /// <summary>Most items of a list: a line is for people; how many there are is said too.</summary>
    public const int MaxItems = 32;

    private readonly List<KeyValuePair<string, object>> _fields = [];

    public IReadOnlyList<KeyValuePair<string, object>> All => _fields;

    public RecordFields Add(string name, object value)
    {
        _fields.Add(new(name, value));
        return this;
    }

    public RecordFields AddEntry(LaneEntry entry)
    {
        Add("entry", entry.Number.Value).Add("offset", entry.BaseOffset.Value);
        switch (entry.Kind)
        {
            case EntryKind.Events:
                AddBatch(entry);
                break;
            case EntryKind.Cursors:
                AddList("cursors", CursorCommits.TryRead(entry.Body, out List<KeyValuePair<ConsumerName, Cursor>> commits)
                    ? [.. commits.Select(static c => Words(c.Key, c.Value))] : null);
                break;
            case EntryKind.Topics:
                AddList("topics", TopicFacts.TryRead(entry.Body, out List<TopicFact> topics)
                    ? [.. topics.Select(static t => t.Topic.Value)] : null);
                break;
            case EntryKind.Registers:
                AddList("registers", RegisterFacts.TryRead(entry.Body, out List<RegisterFact> facts) ? [.. facts.Select(Words)] : null);
                break;
        }

        Add("bytes", entry.Body.Length).Add("appended", Time(entry.AppendedAt));
        if (entry.After.Count > 0)
        {
            Add("after", Texts(entry.After.Places));
        }

        return Add("path", Texts(entry.Path.Hops));
    }

    public RecordFields AddItem(in StateItem item)
    {
        Add("state", item.Kind.ToString().ToLowerInvariant());
        if (item.Kind != StateKind.Opened)
        {
            Add("partition", item.Partition.ToString());
        }

        switch (item.Kind)
        {
            case StateKind.Cursor when StateItems.TryReadCursor(item, out ConsumerName consumer, out Cursor cursor):
                return Add("cursor", Words(consumer, cursor));
            case StateKind.Register when RegisterFacts.TryRead(item.Body, out List<RegisterFact> facts):
                return AddList("registers", [.. facts.Select(Words)]);
            case StateKind.Topics when TopicFacts.TryRead(item.Body, out List<TopicFact> topics):
                return AddList("topics", [.. topics.Select(static t => t.Topic.Value)]);
            case StateKind.Opened when StateItems.TryReadOpened(item, out Origin origin):
                return Add("origin", origin.ToString());
            case StateKind.Held when StateItems.TryReadHeld(item, out HeldRun held):
                return Add("producer", held.Run.Producer.ToString()).Add("epoch", Hex(held.Run.Epoch)).Add("first", held.Run.First)
                    .Add("last", held.Run.Last).Add("origin", held.Origin.ToString()).Add("offset", held.FirstOffset.Value);
            case StateKind.Retained when RetainedItem.TryRead(item, 0, out RetainedItem retained):
                return Add("topic", retained.Topic.Topic.Value).Add("origin", retained.Mark.Lane.Origin.ToString())
                    .Add("offset", retained.Mark.Offset).Add("time", Time(retained.Mark.Timestamp))
                    .Add("message", retained.Mark.HasMessage ? $"{retained.Payload.Length} bytes" : "removed");
            default:
                return Add("fault", "malformed");
        }
    }

    private void AddBatch(LaneEntry entry)
    {
        Add("events", (long)entry.EventCount);
        if (!EventBatch.TryParse(entry.Body, out EventBatch? batch, out string? fault))
        {
            Add("fault", fault!);
            return;
        }

        BatchHeader head = batch!.Header;
        Add("producer", head.Producer.ToString()).Add("epoch", Hex(head.Epoch)).Add("sequence", head.FirstSequence);
        if (head.PredecessorSequence > 0)
        {
            Add("predecessor", $"{Hex(head.PredecessorEpoch)}:{head.PredecessorSequence}");
        }

        if (head.MayHaveTwins)
        {
            Add("twins", "possible");
        }

        if (head.Compression != BatchCompression.None)
        {
            Add("compression", head.Compression.ToString().ToLowerInvariant());
        }

        long retained = 0;
        HashSet<string> topics = new(StringComparer.Ordinal);
        foreach (EventView view in batch.Events)
        {
            topics.Add(Encoding.UTF8.GetString(view.Topic.Span));
            retained += view.IsRetained ? 1 : 0;
        }

        if (retained > 0)
        {
            Add("retained", retained);
        }

        AddList("topics", [.. topics]);
    }

    private RecordFields AddList(string name, string[]? items)
    {
        if (items is null)
        {
            return Add("fault", "the body is malformed");
        }

        return items.Length <= MaxItems ? Add(name, items) : Add(name, items[..MaxItems]).Add(name + "Count", (long)items.Length);
    }

    private static string Words(ConsumerName consumer, Cursor cursor)
    {
        IEnumerable<string> positions = cursor.Positions.Take(MaxItems).Select(static p => $"{p.Key}:{p.Value}");
        string more = cursor.Positions.Count > MaxItems ? $" of {cursor.Positions.Count}" : string.Empty;
        return $"{consumer} generation {cursor.Generation.Number} at {string.Join(' ', positions)}{more}"
            + (cursor.Jumps.Count > 0 ? $", {cursor.Jumps.Count} jumps" : string.Empty);
    }

    private static string Words(RegisterFact fact) =>
        $"{fact.Key} {(fact.Value.IsEmpty ? "removed" : $"{fact.Value.Length} bytes")} by {fact.At}";

    private static string[] Texts<T>(ReadOnlySpan<T> items)
        where T : notnull
    {
        string[] texts = new string[items.Length];
        for (int i = 0; i < texts.Length; i++)
        {
            texts[i] = items[i].ToString() ?? string.Empty;
        }

        return texts;
    }

    private static string Hex(ulong number) => number.ToString("x16", CultureInfo.InvariantCulture);

    private static string Time(long microseconds)
    {
        const long MaxMicroseconds = 253_402_300_799_000_000;   // the end of the year 9999
        return microseconds is < 0 or > MaxMicroseconds ? microseconds.ToString(CultureInfo.InvariantCulture)
            : DateTimeOffset.UnixEpoch.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond)
                .ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
    }
}
