using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Streams.Core;
using Streams.Testing;

namespace Streams.Client.Tests;

/// <summary>What a cluster was sent.</summary>
internal sealed record SentEvent(StreamPartition Partition, EventIdentity Identity, string Topic, string Key, int Number, EventGap? Gap);

/// <summary>An outbox of a device, the clock of the device, and a cluster that takes what has a sequence when it is asked to.</summary>
internal sealed class PolicyStory : IAsyncDisposable
{
    public static readonly StreamPath Fleet = StreamPath.Parse("/fleet");
    private readonly TemporaryDirectory _directory = new();
    private readonly Dictionary<StreamPartition, SequenceRanges> _numbered = [];
    private readonly HashSet<(StreamPartition, ulong, long)> _held = [];
    private readonly long _maxBytes;
    private int _life;

    public PolicyStory(long maxBytes = 10_000)
    {
        _maxBytes = maxBytes;
        File = _directory.Combine("outbox.db");
        Open();
    }

    public EventOutbox Outbox { get; private set; } = null!;

    public VirtualTime Time { get; private set; } = new();

    public string File { get; private set; }

    public List<SentEvent> Sent { get; } = [];

    public int Published { get; private set; }

    /// <summary>Events sent as "topic:number", gaps as "topic reason count [first-last]".</summary>
    public string Told => string.Join(' ', Sent.Select(static s => s.Gap is { } gap
        ? $"({s.Topic} {gap.Reason} {gap.Events} {Micro(gap.First)}-{Micro(gap.Last)})" : $"{s.Topic}:{s.Number}"));

    public static long Micro(DateTimeOffset at) => (at - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    /// <summary>Publishes the next number; its time is its number, in microseconds.</summary>
    public ValueTask<PublishReceipt> PublishAsync(string topic, OutboxPolicy policy, int bytes = 1000, string key = "",
        TimeSpan? timeToLive = null)
    {
        byte[] payload = new byte[Math.Max(4, bytes - 64 - topic.Length - key.Length)];
        BitConverter.TryWriteBytes(payload, ++Published);
        PlainEvent content = new(Encoding.UTF8.GetBytes(topic), Encoding.UTF8.GetBytes(key), default, payload, Published);
        return Outbox.PublishAsync(Fleet, content, new PublishTerms(policy, (long)(timeToLive?.TotalMilliseconds ?? 0)), default);
    }

    /// <summary>A session is open; what is staged gets sequences, as far as may soon be sent.</summary>
    public async Task SendAsync(bool sends = true)
    {
        Outbox.IsSending = sends;
        await RestAsync();
    }

    /// <summary>Waits until the writer has done what it has to.</summary>
    public async Task RestAsync()
    {
        await Outbox.RunAsync(static _ => 0);
        while (await Outbox.RunAsync(static t => t.Stage.HasMore))
        {
        }
    }

    /// <summary>What is counted is what is there.</summary>
    public async Task CheckAsync()
    {
        await RestAsync();
        (long Rows, long Bytes, long Kept, long KeptBytes, long Events, long EventBytes, long Room, long GapBytes) file =
            await Outbox.RunAsync(static t => (
                t.Database.Scalar("SELECT (SELECT count(*) FROM staged) + (SELECT count(*) FROM gaps)"),
                t.Database.Scalar("SELECT coalesce((SELECT sum(bytes) FROM staged), 0)"),
                t.Database.Scalar("SELECT sum(rows) FROM stages"),
                t.Database.Scalar("SELECT sum(bytes) FROM stages"),
                t.Database.Scalar("SELECT count(*) FROM events"),
                t.Database.Scalar("SELECT sum(bytes) FROM events"),
                t.Database.Scalar("SELECT sum(bytes) FROM staged WHERE turn IS NOT NULL"),
                t.Database.Scalar($"SELECT sum(length(topic) + {GapHeaders.MaxBytes + 64}) FROM gaps")));
        (long Room, long GapBytes, long Rows) stage = await Outbox.RunAsync(static t =>
            (t.Stage.MayMakeRoom, t.Stage.GapBytes, t.Stage.Rows));
        Assert.Equal((file.Rows, file.Bytes + file.GapBytes), (file.Kept, file.KeptBytes));
        Assert.Equal((file.Room, file.GapBytes, file.Rows), stage);
        Assert.Equal(file.Rows + file.Events, Outbox.Events);
        if (Outbox.Gate.Waiting == 0)                     // else someone may be on the way in
        {
            Assert.Equal(file.KeptBytes + file.EventBytes, Outbox.Gate.Inside);
        }
    }

    /// <summary>The cluster takes so many events, in the order of their sequences, and confirms them or dies before it does.</summary>
    public async Task TakeAsync(int most = int.MaxValue, bool confirms = true)
    {
        await RestAsync();
        foreach (StreamPartition partition in _numbered.Keys.OrderBy(static p => p.Partition.Value).ToArray())
        {
            SequenceRanges waiting = _numbered[partition];
            while (waiting.Count > 0 && most > 0)
            {
                (long first, long last) = waiting.Ranges[0];
                ulong epoch = await EpochAsync(partition, first);
                last = await TakeAsync(partition, new EventIdentity(Outbox.Producer, epoch, first), Math.Min(last, first + most - 1));
                most -= (int)(last - first + 1);
                if (!confirms)
                {
                    return;
                }

                waiting.Remove(first, last);
                await Outbox.WriteAsync(new ConfirmOperation([new ConfirmedRun(partition, epoch,
                    new PlacedRun(first, last, ReaderStory.Lane("A.1"), new Offset(first)))], [], static _ => []));
                Outbox.Receipts.Complete(new ConfirmedRun(partition, epoch,
                    new PlacedRun(first, last, ReaderStory.Lane("A.1"), new Offset(first))));
                await RestAsync();
            }
        }
    }

    /// <summary>Sends until nothing waits.</summary>
    public async Task DrainAsync()
    {
        await SendAsync();
        while (Outbox.Events > 0)
        {
            await TakeAsync();
        }
    }

    /// <summary>The device comes up again: after a clean end, or with the files as they are at this moment; its steady clock begins anew.
    /// </summary>
    public async Task RestartAsync(bool killed, TimeSpan dark = default, TimeSpan skew = default)
    {
        string next = _directory.Combine($"outbox-{++_life}.db");
        if (killed)
        {
            await RestAsync();
            Copy(next);
        }

        await Outbox.DisposeAsync();
        if (!killed)
        {
            Copy(next);
        }

        File = next;
        Time = new VirtualTime(Time.GetUtcNow() + dark + skew);
        Open();
    }

    public async ValueTask DisposeAsync()
    {
        await Outbox.DisposeAsync();
        _directory.Dispose();
    }

    private void Open()
    {
        Outbox = EventOutbox.Open(File, _maxBytes, Time, new Random(_life), NullLogger.Instance);
        _numbered.Clear();
        foreach (RestoredPartition restored in Outbox.Restored)
        {
            foreach ((_, long first, long last) in restored.Waiting)
            {
                Add(restored.Partition, first, last);
            }
        }

        Outbox.Appended = runs =>
        {
            foreach ((StreamPartition partition, long first, long last, _) in runs)
            {
                lock (_numbered)
                {
                    Add(partition, first, last);
                }
            }
        };
    }

    private void Add(StreamPartition partition, long first, long last)
    {
        _numbered.TryAdd(partition, new SequenceRanges());
        _numbered[partition].Add(first, last);
    }

    private Task<ulong> EpochAsync(StreamPartition partition, long first) => Outbox.RunAsync(t => unchecked((ulong)t.Database.Scalar(
        $"SELECT epoch FROM events WHERE id={OutboxDatabase.EventId(Outbox.RowId(partition), first)}")));

    private async Task<long> TakeAsync(StreamPartition partition, EventIdentity first, long last)
    {
        long end = await Outbox.RunAsync(t => OutboxDatabase.SequenceOf(t.Database.Scalar(
            $"SELECT max(id) FROM events WHERE epoch={unchecked((long)first.Epoch)} AND id BETWEEN "
            + $"{OutboxDatabase.EventId(Outbox.RowId(partition), first.Sequence)} AND "
            + $"{OutboxDatabase.EventId(Outbox.RowId(partition), last)}")));
        using EventWindow window = new(File);
        EventBatchBuilder builder = new();
        last = window.Read(Outbox.RowId(partition), first, end, EventLimits.MaxBatchBytes, builder, out _);
        foreach (EventView view in builder.Build(first, default, false).Events)
        {
            EventIdentity identity = first with { Sequence = first.Sequence + view.Index };
            if (_held.Add((partition, identity.Epoch, identity.Sequence)))
            {
                Assert.True(EventHeader.TryDecode(view.Headers, out IReadOnlyList<EventHeader> headers));
                EventGap? gap = GapHeaders.Read(headers);
                Sent.Add(new SentEvent(partition, identity, Encoding.UTF8.GetString(view.Topic.Span),
                    Encoding.UTF8.GetString(view.Key.Span), gap is null ? BitConverter.ToInt32(view.Payload.Span) : 0, gap));
            }
        }

        return last;
    }

    private void Copy(string next)
    {
        foreach (string suffix in new[] { "", "-wal" })
        {
            if (System.IO.File.Exists(File + suffix))
            {
                System.IO.File.Copy(File + suffix, next + suffix);
            }
        }
    }
}
