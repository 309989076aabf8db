using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Streams.Core;
using static Streams.Storage.Tests.Scene;

namespace Streams.Storage.Tests;

/// <summary>A real folder with a container that has something of everything: own and foreign lanes, topics, cursors, registers, joined
/// state, seals, skips, trims, and segments with and without an index.</summary>
internal sealed class FilledFolder : IDisposable
{
    public static readonly ConsumerName Shop = ConsumerName.Parse("shop");

    private FilledFolder()
    {
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("streams-storage-").FullName;

    public string State => Path.Combine(Folder, StateFile.FileName);

    public string[] Segments => Files("*.seg");

    public string[] Indexes => Files("*.idx");

    public static async Task<FilledFolder> MakeAsync(int rounds = 120, int segmentBytes = 8 << 10)
    {
        FilledFolder filled = new();
        await using Container store = await filled.OpenAsync(segmentBytes);
        LaneId own = new(P0, Sj(1));
        LaneId foreign = new(P0, Of("ny"));
        await store.SkipToAsync(foreign, new EntryNumber(3), new Offset(17), default);
        ProducerSession session = store.BeginProducer(Car(1));
        for (int i = 0; i < rounds; i++)
        {
            await store.ProduceAsync(session, P0, AfterVector.Empty, Mixed(Car(1), i * 6), default);
            await store.CommitAsync(Shop, P0, Cursor.Start.With(Sj(1), new Offset(i)), default);
            await store.IngestAsync(foreign, [Foreign(store, foreign, Mixed(Car(2), i * 6))], default);
            if (i % 10 == 5)
            {
                await store.SetRegisterAsync(Fleet, "session/x", Encoding.UTF8.GetBytes($"value {i}"), default);
                await store.JoinAsync([StateItems.Of(Part(1), Shop, Cursor.Start.With(Of("ldn"), new Offset(i)))], default);
            }
        }

        await store.TrimAsync(own, new EntryNumber(7), default);
        return filled;
    }

    public async Task<Container> OpenAsync(int segmentBytes = 8 << 10)
    {
        Container store = await Container.OpenAsync(new ContainerOptions { Directory = Folder, SegmentBytes = segmentBytes,
            AllocationBytes = 4 << 10, PartitionletBytes = 9 << 10 }, TimeProvider.System, new Random(1), NullLogger.Instance, default);
        await store.StartWritingAsync(Sj(1), default);
        return store;
    }

    /// <summary>Turns one bit of a file.</summary>
    public static void Flip(string path, long at)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.ReadWrite);
        file.Position = at;
        int old = file.ReadByte();
        file.Position = at;
        file.WriteByte((byte)(old ^ 0x10));
    }

    public static void Cut(string path, long length)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.ReadWrite);
        file.SetLength(length);
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private static EventBatch Mixed(ProducerId producer, long held)
    {
        EventBatchBuilder builder = new();
        for (int i = 0; i < 6; i++)
        {
            builder.TryAdd(Encoding.UTF8.GetBytes($"t{(held + (i * i)) % 11}"), default, default,
                Encoding.UTF8.GetBytes($"{producer.Value}:{held + i}"), held + i, isRetained: i % 3 == 2);
        }

        return builder.Build(new EventIdentity(producer, 7, held + 1), held == 0 ? default : (7UL, held), mayHaveTwins: false);
    }

    private static LaneEntry Foreign(Container store, LaneId lane, EventBatch batch)
    {
        LaneStatus status = store.Lane(lane)!.Value;
        return new LaneEntry
        {
            Number = status.NextEntry, Kind = EntryKind.Events, BaseOffset = status.NextOffset, EventCount = batch.Header.Count,
            AppendedAt = 1, Path = ReplicationPath.StartingAt(lane.Origin), Body = batch.Bytes,
        };
    }

    private string[] Files(string pattern)
    {
        string[] files = Directory.GetFiles(Folder, pattern);
        Array.Sort(files, StringComparer.Ordinal);
        return files;
    }
}
