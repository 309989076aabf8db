using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Streams.Core;
using Streams.Gateways;
using Streams.Storage;
using Streams.Testing;

namespace Streams.Server.Tests;

/// <summary>An entry of events as it was acknowledged.</summary>
/// <param name="Lane">Its lane.</param>
/// <param name="Offset">The offset of its first event.</param>
/// <param name="Segment">The segment that it stands in.</param>
/// <param name="From">Where in the file its record begins.</param>
/// <param name="To">Where it ends.</param>
/// <param name="Checksum">Of its bytes.</param>
internal sealed record WrittenEntry(LaneId Lane, Offset Offset, string Segment, long From, long To, uint Checksum);

/// <summary>The files of a server that was killed with its witness up to date: every kind of file that there is, several segments with
/// and one without an index. Each start can be from the same files.</summary>
internal sealed class WrittenFolder : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly Dictionary<string, byte[]> _files = [];

    private WrittenFolder()
    {
    }

    public ServerOptions Options => RunningHost.OptionsIn(_directory);

    public Dictionary<(LaneId Lane, Offset Offset), WrittenEntry> Entries { get; } = [];

    /// <summary>The files, as they are named below the folder that holds the data directory and the witness.</summary>
    public IEnumerable<string> Names => _files.Keys.Order(StringComparer.Ordinal);

    public static async Task<WrittenFolder> MakeAsync()
    {
        WrittenFolder made = new();
        await using (await RunningHost.StartAsync(made.Options))
        {
        }

        await made.FillAsync();
        await using (RunningHost host = await RunningHost.StartAsync(made.Options))
        {
            // In the segment that has no index too.
            await made.WriteAsync(host.Host.Store, 20);
        }

        await using (RunningHost host = await RunningHost.StartAsync(made.Options))
        {
            made.Keep();
            await made.NoteAsync(host.Host.Store);
        }

        return made;
    }

    public byte[] Contents(string name) => _files[name];

    /// <summary>Puts all files back as they were, but for one.</summary>
    /// <param name="name">The one.</param>
    /// <param name="contents">What it is now; <see langword="null"/>: it is deleted.</param>
    public void Restore(string name, byte[]? contents)
    {
        foreach (string path in Directory.GetFiles(_directory.FullName, "*", SearchOption.AllDirectories))
        {
            if (!_files.ContainsKey(Path.GetRelativePath(_directory.FullName, path)))
            {
                File.Delete(path);
            }
        }

        // Written over, not made anew: another inode of the identity file would tell of a copied directory.
        foreach ((string file, byte[] bytes) in _files)
        {
            File.WriteAllBytes(_directory.Combine(file), file == name && contents is not null ? contents : bytes);
        }

        if (contents is null)
        {
            File.Delete(_directory.Combine(name));
        }
    }

    public void Dispose() => _directory.Dispose();

    private async Task FillAsync()
    {
        ContainerOptions small = new()
        {
            Directory = Path.Combine(Options.DataDirectory, "c0"), SegmentBytes = 24 << 10, AllocationBytes = 8 << 10,
        };
        await using Container store = await Container.OpenAsync(small, TimeProvider.System, new Random(1), NullLogger.Instance, default);
        await store.StartWritingAsync(new Origin(Options.Cluster, store.LatestIncarnation(Options.Cluster)!.Value), default);
        for (int i = 0; i < 100; i++)
        {
            StreamPartition partition = new(StreamPath.Parse("/fleet"), new PartitionId(i % 3));
            await store.AppendPlainAsync(partition, Event(i), default);
            await store.CommitAsync(ConsumerName.Parse("shop"), partition, Cursor.Start.With(store.Origin, new Offset(i)), default);
            await store.SetRegisterAsync(partition.Stream, "session/" + (i % 5), Encoding.UTF8.GetBytes($"{i}"), default);
        }
    }

    public async Task<EventPlace> WriteAsync(IEventStore store, int count)
    {
        EventPlace place = default;
        for (int i = 0; i < count; i++)
        {
            StreamPartition partition = new(StreamPath.Parse("/fleet"), new PartitionId(i % 3));
            place = await store.AppendPlainAsync(partition, Event(i), default);
        }

        return place;
    }

    private static PlainEvent Event(int i)
    {
        byte[] payload = new byte[700];
        new Random(i).NextBytes(payload);
        return new PlainEvent(Encoding.UTF8.GetBytes($"car-{i % 7}"), default, default, payload, i);
    }

    private void Keep()
    {
        // The lock has no contents, and is held.
        foreach (string path in Directory.GetFiles(_directory.FullName, "*", SearchOption.AllDirectories)
            .Where(static p => Path.GetFileName(p) != "lock"))
        {
            _files[Path.GetRelativePath(_directory.FullName, path)] = File.ReadAllBytes(path);
        }
    }

    // A record ends where the next one begins: what of it is padding counts as its own.
    private async Task NoteAsync(IEventStore store)
    {
        const int HeaderBytes = 64;
        string folder = Path.Combine(Options.DataDirectory, "c0");
        Dictionary<string, LaneId> lanes = store.Lanes(new StreamPartition(StreamPath.Parse("/fleet"), default))
            .Concat(store.Lanes(new StreamPartition(StreamPath.Parse("/fleet"), new PartitionId(1))))
            .Concat(store.Lanes(new StreamPartition(StreamPath.Parse("/fleet"), new PartitionId(2))))
            .ToDictionary(l => l.Lane.ToString(), l => l.Lane);
        foreach (string segment in LogDump.Segments(folder))
        {
            DumpedRecord[] records = [.. LogDump.Read(folder, new DumpFilter(Segment: segment))];
            long first = records[0].Position - HeaderBytes;
            for (int i = 0; i < records.Length; i++)
            {
                if (records[i].Kind == "events" && lanes.TryGetValue(records[i].Lane, out LaneId lane))
                {
                    Offset offset = new((long)records[i].Fields.Single(f => f.Key == "offset").Value);
                    using LaneSlice slice = await store.ReadAsync(lane, offset, 1, default);
                    Entries[(lane, offset)] = new WrittenEntry(lane, offset, segment, records[i].Position - first,
                        (i + 1 < records.Length ? records[i + 1].Position : long.MaxValue) - first,
                        Crc32C.Compute(slice.Entries[0].Body.Span));
                }
            }
        }

        Assert.True(Entries.Count >= 120, $"{Entries.Count} entries");
    }
}
