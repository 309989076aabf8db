using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Streams.Core;
using Streams.Testing;

namespace Streams.Storage.Tests;

/// <summary>What the stories have in common: a container over a simulated disk, and short words for producing and reading.</summary>
internal sealed class Scene(int seed = 1) : IAsyncDisposable
{
    public static readonly StreamPath Fleet = StreamPath.Parse("/fleet");
    public static readonly StreamPartition P0 = Part(0);

    public SimulatedDisk Disk { get; } = new();

    public ManualTime Time { get; } = new();

    /// <summary>A clock in place of <see cref="Time"/>, for tests that move timers.</summary>
    public TimeProvider? Clock { get; init; }

    public Random Chance { get; } = new(seed);

    public RecordingLogger Log { get; } = new();

    public Origin Origin { get; set; } = Sj(1);

    public ContainerOptions Options { get; set; } = new() { SegmentBytes = 1 << 20, AllocationBytes = 16 << 10 };

    public Container Store { get; private set; } = null!;

    /// <summary>Groups of all its stores so far that were staged while the one before was being flushed.</summary>
    public long Overlapped => _overlapped + Store.Overlapped;

    private long _overlapped;

    public LaneId Own => new(P0, Origin);

    public static Origin Sj(ulong incarnation) => new(ClusterName.Parse("sj"), new Incarnation(incarnation));

    public static Origin Of(string cluster, ulong incarnation = 1) => new(ClusterName.Parse(cluster), new Incarnation(incarnation));

    public static StreamPartition Part(int partition) => new(Fleet, new PartitionId(partition));

    public static ProducerId Car(int n) => new((UInt128)n);

    public static async Task<Scene> OpenAsync(int seed = 1, ContainerOptions? options = null)
    {
        Scene scene = new(seed);
        scene.Options = options ?? scene.Options;
        await scene.OpenStoreAsync();
        return scene;
    }

    public async Task OpenStoreAsync(bool write = true, ILogDisk? disk = null)
    {
        Store = await Container.OpenAsync(Options with { Disk = disk ?? Disk }, Clock ?? Time, Chance, Log, default);
        if (write)
        {
            await Store.StartWritingAsync(Origin, default);
        }
    }

    /// <summary>Closes in order and opens again.</summary>
    public async Task ReopenAsync(bool write = true)
    {
        await Store.DisposeAsync();
        await OpenStoreAsync(write);
    }

    /// <summary>Kills the process, or the machine when chance is given, and opens again.</summary>
    public async Task CrashAsync(Random? chance, bool write = true)
    {
        await StopAsync(chance);
        await OpenStoreAsync(write);
    }

    /// <summary>Kills the process, or the machine when chance is given.</summary>
    public async Task StopAsync(Random? chance)
    {
        Disk.StopAt = 0;                              // a dead process mends nothing
        _overlapped += Store.Overlapped;
        await Store.DisposeAsync();
        if (chance is null)
        {
            Disk.Kill();
        }
        else
        {
            Disk.Crash(chance);
        }
    }

    public static EventBatch Batch(ProducerId producer, long first, int count, long after = 0, ulong epoch = 7, ulong? afterEpoch = null,
        bool twins = false, string topic = "t")
    {
        EventBatchBuilder builder = new();
        for (int i = 0; i < count; i++)
        {
            builder.TryAdd(Encoding.UTF8.GetBytes(topic), default, default, Encoding.UTF8.GetBytes($"{producer.Value}:{first + i}"),
                first + i);
        }

        return builder.Build(new EventIdentity(producer, epoch, first), after == 0 ? default : (afterEpoch ?? epoch, after), twins);
    }

    public Task<ProduceResult> SendAsync(ProducerSession session, EventBatch batch, StreamPartition? partition = null) =>
        Store.ProduceAsync(session, partition ?? P0, AfterVector.Empty, batch, default).AsTask();

    public async Task<List<LaneEntry>> EntriesAsync(LaneId? lane = null, Container? store = null)
    {
        List<LaneEntry> all = [];
        LaneId id = lane ?? Own;
        store ??= Store;
        EntryNumber next = store.Lane(id)?.FirstEntry ?? default;
        while (true)
        {
            using LaneSlice slice = await store.ReadAsync(id, next, 4096, default);
            if (slice.Entries.Count == 0)
            {
                return all;
            }

            foreach (LaneEntry e in slice.Entries)
            {
                Assert.Equal(next, e.Number);
                next += 1;
                all.Add(Copy(e));
            }
        }
    }

    public static LaneEntry Copy(LaneEntry e, ReadOnlyMemory<byte>? body = null) => new()
    {
        Number = e.Number,
        Kind = e.Kind,
        BaseOffset = e.BaseOffset,
        EventCount = e.EventCount,
        AppendedAt = e.AppendedAt,
        After = e.After,
        Path = e.Path,
        Body = (body ?? e.Body).ToArray(),
    };

    /// <summary>The payloads of a lane, which must begin at offset 0.</summary>
    public async Task<List<string>> PayloadsAsync(LaneId? lane = null, Container? store = null)
    {
        Dictionary<long, string> events = await EventsAsync(lane, store);
        Assert.True(events.Count == 0 || events.ContainsKey(0));
        return [.. events.Values];
    }

    /// <summary>The payloads of what is kept of a lane, by offset, in order and without a hole.</summary>
    public async Task<Dictionary<long, string>> EventsAsync(LaneId? lane = null, Container? store = null)
    {
        Dictionary<long, string> events = [];
        long? next = null;
        foreach (LaneEntry entry in await EntriesAsync(lane, store))
        {
            if (entry.Kind == EntryKind.Events)
            {
                long offset = entry.BaseOffset.Value;
                Assert.Equal(next ?? offset, offset);
                foreach (EventView view in EventBatch.Parse(entry.Body).Events)
                {
                    events.Add(offset++, Encoding.UTF8.GetString(view.Payload.Span));
                }

                next = offset;
            }
        }

        return events;
    }

    public async ValueTask DisposeAsync() => await Store.DisposeAsync();
}

/// <summary>Keeps what was logged.</summary>
internal sealed class RecordingLogger : ILogger
{
    private readonly List<(LogLevel Level, EventId Id, string Text)> _lines = [];

    public IReadOnlyList<(LogLevel Level, EventId Id, string Text)> Lines
    {
        get
        {
            lock (_lines)
            {
                return [.. _lines];
            }
        }
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => NullLogger.Instance.BeginScope(state);

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?,
        string> formatter)
    {
        lock (_lines)
        {
            _lines.Add((logLevel, eventId, formatter(state, exception)));
        }
    }
}
