using System.Text;
using Streams.Core;
using static Streams.Storage.Tests.Scene;

namespace Streams.Storage.Tests;

/// <summary>Short words for retained messages.</summary>
internal static class RetainedScene
{
    public static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    /// <summary>A client without an outbox publishes with the flag; no payload removes.</summary>
    public static Task<EventPlace> RetainAsync(this Container store, string topic, string payload, long at,
        StreamPartition? partition = null, bool isRetained = true)
    {
        byte[] headers = EventHeader.Encode([new EventHeader("h", Utf8(topic))]);
        PlainEvent plain = new(Utf8(topic), "k"u8.ToArray(), headers, Utf8(payload), at, isRetained);
        return store.AppendPlainAsync(partition ?? P0, plain, default).AsTask();
    }

    /// <summary>A batch of retained events of an SDK: topic, payload, time.</summary>
    public static EventBatch RetainedBatch(ProducerId producer, long first, params (string Topic, string Payload, long At)[] events)
    {
        EventBatchBuilder builder = new();
        foreach ((string topic, string payload, long at) in events)
        {
            builder.TryAdd(Utf8(topic), default, default, Utf8(payload), at, isRetained: true);
        }

        return builder.Build(new EventIdentity(producer, 7, first), first == 1 ? default : (7UL, first - 1), mayHaveTwins: false);
    }

    /// <summary>The next entry of a foreign lane.</summary>
    public static LaneEntry Entry(in LaneStatus lane, EventBatch batch) => new()
    {
        Number = lane.NextEntry,
        Kind = EntryKind.Events,
        BaseOffset = lane.NextOffset,
        EventCount = batch.Header.Count,
        AppendedAt = 1_700_000_000_000_000,
        Path = ReplicationPath.StartingAt(lane.Lane.Origin),
        Body = batch.Bytes,
    };

    public static async Task IngestAsync(this Container store, LaneId lane, EventBatch batch)
    {
        LaneStatus status = store.Lane(lane) ?? new LaneStatus(lane, default, default, default, default, 0);
        Assert.Equal(IngestOutcome.Taken, (await store.IngestAsync(lane, [Entry(status, batch)], default)).Outcome);
    }

    /// <summary>The payload of a topic's retained message.</summary>
    public static async Task<string?> RetainedTextAsync(this Container store, string topic)
    {
        RetainedMessage? message = await store.RetainedAsync(Fleet, Utf8(topic), default);
        return message is null ? null : Encoding.UTF8.GetString(message.Payload.Span);
    }

    /// <summary>All topics of a stream with a message, by pages.</summary>
    public static List<RetainedHead> AllRetained(this Container store, int max = 7)
    {
        List<RetainedHead> all = [];
        for (int from = 0; from >= 0;)
        {
            RetainedPage page = store.Retained(Fleet, from, max);
            Assert.True(page.Heads.Count <= max);
            all.AddRange(page.Heads);
            from = page.Next;
        }

        return all;
    }

    /// <summary>Everything that is known of retained messages, as lines: heads by pages, removed ones, and the messages read.</summary>
    public static async Task<string[]> RetainedLinesAsync(this Container store, IEnumerable<string> removed)
    {
        List<string> lines = [];
        foreach (RetainedHead head in store.AllRetained())
        {
            string topic = Encoding.UTF8.GetString(head.Topic.Span);
            Assert.Equal(head, store.RetainedHead(Fleet, head.Topic.Span)!.Value with { Topic = head.Topic });
            RetainedMessage? message = await store.RetainedAsync(Fleet, head.Topic, default);
            string text = message is null ? "unreadable" : $"{Encoding.UTF8.GetString(message.Key.Span)} "
                + $"{Convert.ToHexString(message.Headers.Span)} {Encoding.UTF8.GetString(message.Payload.Span)}";
            lines.Add($"{topic} {head.Lane} {head.Offset} {head.TimestampMicroseconds} {text}");
        }

        foreach (string topic in removed)
        {
            RetainedHead head = store.RetainedHead(Fleet, Utf8(topic))!.Value;
            Assert.False(head.HasMessage);
            Assert.Null(await store.RetainedTextAsync(topic));
            lines.Add($"{topic} {head.Lane} {head.Offset} {head.TimestampMicroseconds} removed");
        }

        lines.Sort(StringComparer.Ordinal);
        return [.. lines];
    }
}
