using System.Text;
using Streams.Core;
using Streams.Gateways;
using Streams.Testing;

namespace Streams.EdgeAgent.Tests;

/// <summary>What stories of a store have in common: a folder, a clock, and short words.</summary>
public abstract class StoreScene : IAsyncLifetime
{
    public static readonly StreamPath Fleet = StreamPath.Parse("/fleet");
    public static readonly StreamPartition P0 = Part(0);
    public static readonly ConsumerName Reader = ConsumerName.Parse("reader");

    private readonly List<TemporaryDirectory> _folders = [new()];
    private IAsyncDisposable? _open;

    internal IEventStore Store { get; private set; } = null!;

    internal VirtualTime Time { get; } = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    /// <summary>The folder of the store that is open.</summary>
    protected string Folder => _folders[^1].FullName;

    protected LaneId Own => new(P0, Store.Origin);

    public async Task InitializeAsync() => (Store, _open) = await OpenAsync(Folder);

    public async Task DisposeAsync()
    {
        if (_open is not null)
        {
            await _open.DisposeAsync();
        }

        _folders.ForEach(f => f.Dispose());
    }

    /// <summary>Closes in order and opens again.</summary>
    public async Task ReopenAsync()
    {
        await _open!.DisposeAsync();
        (Store, _open) = await OpenAsync(Folder);
    }

    /// <summary>Copies the files as they are at this moment, while the store works, and opens the copy: what a process that is killed
    /// leaves.</summary>
    public async Task KillAsync()
    {
        IAsyncDisposable dying = _open!;
        TemporaryDirectory copy = new();
        foreach (string file in Directory.GetFiles(Folder))
        {
            if (!file.EndsWith("-shm", StringComparison.Ordinal) && !file.EndsWith(".lock", StringComparison.Ordinal))
            {
                Copy(file, copy.Combine(Path.GetFileName(file)));
            }
        }

        _folders.Add(copy);
        (Store, _open) = await OpenAsync(Folder);
        await dying.DisposeAsync();
    }

    /// <summary>Where the lane begins when retention has looked once more. The looks that come due while one is under way are left out,
    /// so one jump of the clock may bring none at its end: ask until it is so.</summary>
    protected long FirstAfterTheNextLook()
    {
        Time.Advance(TimeSpan.FromSeconds(10));
        return Store.Lanes(P0).Single().FirstOffset.Value;
    }

    public static StreamPartition Part(int partition) => new(Fleet, new PartitionId(partition));

    public static ProducerId Car(ulong number) => new(number);

    internal static EventBatch Batch(ProducerId producer, long first, int count, long after = 0, ulong epoch = 7, bool twins = false,
        string topic = "t")
    {
        EventBatchBuilder builder = new();
        for (int i = 0; i < count; i++)
        {
            builder.TryAdd(Encoding.UTF8.GetBytes(topic), default, default, Encoding.UTF8.GetBytes($"{producer.Value}:{first + i}"),
                first + i);
        }

        return builder.Build(new EventIdentity(producer, epoch, first), after == 0 ? default : (epoch, after), twins);
    }

    internal Task<ProduceResult> SendAsync(ProducerSession session, EventBatch batch, StreamPartition? partition = null) =>
        Store.ProduceAsync(session, partition ?? P0, AfterVector.Empty, batch, default).AsTask();

    internal static PlainEvent Plain(string payload, string topic = "t", bool retained = false, long at = 1, string? client = null) =>
        new(Encoding.UTF8.GetBytes(topic), default, default, Encoding.UTF8.GetBytes(payload), at, retained, client);

    internal Task<EventPlace> AppendAsync(string payload, string topic = "t", bool retained = false, long at = 1, string? client = null,
        StreamPartition? partition = null) =>
        Store.AppendPlainAsync(partition ?? P0, Plain(payload, topic, retained, at, client), default).AsTask();

    /// <summary>The payloads of what is kept of a lane, by offset, in order and without a hole.</summary>
    internal async Task<Dictionary<long, string>> EventsAsync(LaneId? lane = null, int maxBytes = 4096)
    {
        Dictionary<long, string> events = [];
        LaneId id = lane ?? Own;
        Offset next = Store.Lanes(id.Partition).FirstOrDefault(l => l.Lane == id).FirstOffset;
        while (true)
        {
            using LaneSlice slice = await Store.ReadAsync(id, next, maxBytes, default);
            if (slice.Entries.Count == 0)
            {
                return events;
            }

            foreach (LaneEntry entry in slice.Entries)
            {
                Assert.Equal(next, entry.BaseOffset);
                next = entry.NextOffset;
                foreach (EventView view in entry.Kind == EntryKind.Events ? Views(entry) : [])
                {
                    events.Add(entry.BaseOffset.Value + view.Index, Encoding.UTF8.GetString(view.Payload.Span));
                }
            }
        }
    }

    internal async Task<string[]> PayloadsAsync(LaneId? lane = null) => [.. (await EventsAsync(lane)).Values];

    internal static ReadOnlyMemory<byte> Bytes(string text) => Encoding.UTF8.GetBytes(text);

    internal string? Value(string key) =>
        Store.Register(Fleet, key) is { } fact ? Encoding.UTF8.GetString(fact.Value.Span) : null;

    internal Task SetAsync(string key, string value) => Store.SetRegisterAsync(Fleet, key, Bytes(value), default).AsTask();

    internal abstract Task<(IEventStore Store, IAsyncDisposable Open)> OpenAsync(string folder);

    private static List<EventView> Views(LaneEntry entry)
    {
        List<EventView> views = [];
        foreach (EventView view in EventBatch.Parse(entry.Body).Events)
        {
            views.Add(view);
        }

        return views;
    }

    private static void Copy(string from, string to)
    {
        using FileStream source = new(from, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using FileStream target = new(to, FileMode.CreateNew);
        source.CopyTo(target);
    }
}
