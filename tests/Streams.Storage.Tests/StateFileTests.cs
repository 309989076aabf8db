using Microsoft.Data.Sqlite;
using Streams.Core;
using static Streams.Storage.Tests.Scene;

namespace Streams.Storage.Tests;

/// <summary>The state file holds no truth: with it, without it or with a broken one, the container is the same.</summary>
public sealed class StateFileTests : IDisposable
{
    private static readonly ConsumerName Reader = ConsumerName.Parse("reader");
    private readonly string _folder = Directory.CreateTempSubdirectory("streams-storage-").FullName;

    private string StatePath => Path.Combine(_folder, StateFile.FileName);

    private ContainerOptions Options => new() { Directory = _folder, SegmentBytes = 64 << 10, AllocationBytes = 16 << 10,
        CheckpointRecords = 20 };

    [Fact]
    public async Task The_state_comes_from_the_file_and_from_the_log_behind_it()
    {
        string before = await FillAsync();
        await using Container reopened = await OpenAsync(Options);
        Assert.Equal(string.Empty, reopened.Recovery.StateRebuilt);
        Assert.Equal(before, Describe(reopened));
        Assert.False(reopened.Recovery.NeedsNewIncarnation);
    }

    [Fact]
    public async Task A_state_file_that_lags_behind_is_caught_up_from_the_log()
    {
        await FillAsync();
        File.Copy(StatePath, StatePath + ".old");
        string before = await FillAsync(second: true);
        StateFile.Delete(StatePath);
        File.Move(StatePath + ".old", StatePath);
        await using Container reopened = await OpenAsync(Options);
        Assert.Equal(string.Empty, reopened.Recovery.StateRebuilt);
        Assert.Equal(before, Describe(reopened));
    }

    [Fact]
    public async Task A_missing_state_file_is_made_anew_from_the_log()
    {
        string before = await FillAsync();
        StateFile.Delete(StatePath);
        await using (Container reopened = await OpenAsync(Options))
        {
            Assert.Equal("it was missing", reopened.Recovery.StateRebuilt);
            Assert.Equal(before, Describe(reopened));
        }

        await using Container again = await OpenAsync(Options);
        Assert.Equal(string.Empty, again.Recovery.StateRebuilt);
        Assert.Equal(before, Describe(again));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_torn_or_damaged_state_file_is_thrown_away_and_made_anew(int way)
    {
        string before = await FillAsync();
        byte[] bytes = File.ReadAllBytes(StatePath);
        switch (way)
        {
            case 0:
                File.WriteAllBytes(StatePath, bytes[..(bytes.Length / 2)]);
                break;
            case 1:
                File.WriteAllBytes(StatePath, "no database at all, but long enough to be one"u8.ToArray());
                break;
            case 2:
                bytes.AsSpan(4096).Fill(0x5A);
                File.WriteAllBytes(StatePath, bytes);
                break;
            default:
                Change("UPDATE rows SET value = zeroblob(length(value)) WHERE kind = 1");
                break;
        }

        await using Container reopened = await OpenAsync(Options);
        Assert.NotEqual(string.Empty, reopened.Recovery.StateRebuilt);
        Assert.Equal(before, Describe(reopened));
    }

    [Fact]
    public async Task A_state_file_ahead_of_the_log_is_thrown_away_and_tells_that_the_log_lost_its_end()
    {
        await FillAsync();
        string log = Directory.GetFiles(_folder, "*.seg").Order(StringComparer.Ordinal).Last();
        using (FileStream file = File.OpenWrite(log))
        {
            file.SetLength(SegmentHeader.Size + 400);
        }

        await using Container reopened = await OpenAsync(Options);
        Assert.Contains("ahead of the log", reopened.Recovery.StateRebuilt);
        Assert.True(reopened.Recovery.NeedsNewIncarnation);
        long end = reopened.Lanes().Where(l => l.Lane.Partition == P0).Sum(l => l.NextOffset.Value);
        Assert.All(reopened.Held(Car(1), P0, 0), h => Assert.True(h.LastOffset.Value < end));
    }

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        Directory.Delete(_folder, recursive: true);
    }

    private static async Task<Container> OpenAsync(ContainerOptions options) =>
        await Container.OpenAsync(options, TimeProvider.System, new Random(1), new RecordingLogger(), default);

    private async Task<string> FillAsync(bool second = false)
    {
        await using Container store = await OpenAsync(Options);
        Origin own = Sj(second ? 3UL : 2UL);
        await store.StartWritingAsync(own, default);
        await store.EnsureStreamAsync(StreamPath.Parse("/other"), default);
        for (int car = 1; car <= 5; car++)
        {
            ProducerSession session = store.BeginProducer(Car(car));
            for (int i = 0; i < 20; i++)
            {
                EventBatch batch = Batch(Car(car), (second ? 100 : 1) + (i * 2), 2, after: i == 0 ? 0 : (second ? 99 : 0) + (i * 2),
                    topic: $"{car}/{i % 3}{second}");
                Assert.Equal(ProduceRefusal.None, (await store.ProduceAsync(session, P0, AfterVector.Empty, batch, default)).Refusal);
                await store.CommitAsync(Reader, P0, Core.Cursor.Start.With(own, new Offset(i)), default);
            }
        }

        await store.SetRegisterAsync(Fleet, "session/a", new byte[] { second ? (byte)2 : (byte)1 }, default);
        await store.JoinAsync([StateItems.Of(Of("la", 4)), StateItems.Of(Part(2), new HeldRun(new SequenceRun(Car(9), 1, 1, 9), Of("la", 3),
            new Offset(4)))],
            default);
        return Describe(store);
    }

    // Everything joined, in an order of its own, and all lanes.
    private static string Describe(Container store)
    {
        IEnumerable<string> items = store.State().Where(i => i.Kind != StateKind.Topics)
            .Select(i => $"{i.Kind} {i.Partition} {Convert.ToHexString(i.Body.Span)}");
        IEnumerable<string> topics = store.Topics(Fleet, 1000).Select(t => $"{t.Topic} {t.CreatedAt}");
        IEnumerable<string> runs = Enumerable.Range(1, 9).SelectMany(c => store.Held(Car(c), P0, 0)).Select(h => h.ToString());
        IEnumerable<string> lanes = store.Lanes().Select(l => l.ToString());
        return string.Join('\n', items.Concat(topics).Concat(runs).Concat(lanes)
            .Order(StringComparer.Ordinal).Append(store.Origin.ToString()));
    }

    private void Change(string sql)
    {
        using SqliteConnection connection = new($"Data Source={StatePath};Pooling=False");
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        Assert.True(command.ExecuteNonQuery() > 0);
    }
}
