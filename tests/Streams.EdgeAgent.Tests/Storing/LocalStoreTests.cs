using System.Text;
using Streams.Core;
using Streams.Gateways;
using Streams.Testing;

namespace Streams.EdgeAgent.Tests;

/// <summary>What the agent's store does beside what every store does.</summary>
public sealed class LocalStoreTests : StoreScene
{
    private readonly CollectingLogger _logger = new();
    private LocalStoreOptions _options = new(string.Empty, ClusterName.Parse("line-4"));

    private LocalStore Local => (LocalStore)Store;

    private string FileName => Path.Combine(Folder, "agent.db");

    private long BytesOnDisk => new[] { "", "-wal", "-shm" }.Sum(s => new FileInfo(FileName + s) is { Exists: true } f ? f.Length : 0);

    [Fact]
    public async Task Each_client_is_a_producer_of_its_own_with_sequences_from_1_and_an_epoch_for_each_opening()
    {
        await AppendAsync("a1", client: "a");
        await AppendAsync("b1", client: "b");
        await AppendAsync("a2", client: "a");
        await ReopenAsync();
        await AppendAsync("a3", client: "a");
        await AppendAsync("b2", client: "b");
        List<BatchHeader> heads = await HeadsAsync();
        Assert.Equal([1, 1, 2, 3, 2], heads.Select(h => (int)h.FirstSequence));
        Assert.Equal(heads[0].Producer, heads[2].Producer);
        Assert.Equal(heads[0].Producer, heads[3].Producer);
        Assert.NotEqual(heads[0].Producer, heads[1].Producer);
        Assert.Equal(heads[0].Epoch, heads[2].Epoch);
        Assert.NotEqual(heads[0].Epoch, heads[3].Epoch);
    }

    [Fact]
    public async Task A_client_that_was_silent_for_a_week_is_forgotten_and_begins_anew_in_another_epoch()
    {
        await AppendAsync("a1", client: "a");
        Time.Advance(TimeSpan.FromDays(5));
        await AppendAsync("b1", client: "b");
        Time.Advance(TimeSpan.FromDays(5));
        await Eventually.EqualAsync(1L, async () => await ScalarAsync("SELECT count(*) FROM clients"), "one is forgotten");
        await AppendAsync("a2", client: "a");
        await AppendAsync("b2", client: "b");
        List<BatchHeader> heads = await HeadsAsync();
        Assert.Equal([1, 1, 1, 2], heads.Select(h => (int)h.FirstSequence));
        Assert.NotEqual(heads[0].Epoch, heads[2].Epoch);
    }

    [Fact]
    public async Task Where_events_stood_that_are_gone_is_forgotten_but_for_the_latest_of_each_producer()
    {
        await Store.SetRegisterAsync(Fleet, StreamSettings.RegisterKey,
            new StreamSettings(4) { RetentionAge = TimeSpan.FromHours(1) }.Write(), default);
        ProducerSession[] sessions = [Store.BeginProducer(Car(1)), Store.BeginProducer(Car(2))];
        for (int i = 1; i <= 5; i++)
        {
            await SendAsync(sessions[0], Batch(Car(1), i, 1, after: i - 1));
            await SendAsync(sessions[1], Batch(Car(2), i, 1, after: i - 1));
        }

        Assert.Equal(10, await ScalarAsync("SELECT count(*) FROM runs"));
        Time.Advance(TimeSpan.FromHours(2));
        await Eventually.EqualAsync(10L, FirstAfterTheNextLook, "the events go");
        Time.Advance(TimeSpan.FromHours(1));
        await Eventually.EqualAsync(2L, async () => await ScalarAsync("SELECT count(*) FROM runs"), "what is known of them goes");
        Assert.Equal(5, Assert.Single(Store.Held(Car(1), P0, 0)).Run.First);
    }

    [Fact]
    public async Task Another_store_gives_a_client_of_the_same_name_another_identity()
    {
        await AppendAsync("a1", client: "a");
        BatchHeader here = (await HeadsAsync())[0];
        Origin origin = Store.Origin;
        File.Delete(FileName + "-wal");
        await ((LocalStore)Store).DisposeAsync();
        File.Delete(FileName);
        await ReopenAsync();
        await AppendAsync("a1", client: "a");
        Assert.NotEqual(here.Producer, (await HeadsAsync())[0].Producer);
        Assert.NotEqual(origin, Store.Origin);
    }

    [Fact]
    public async Task Database_and_journal_stay_below_the_cap_and_the_store_refuses_when_nothing_may_go()
    {
        _options = _options with { MaxBytes = LocalStoreOptions.LeastBytes };
        await ReopenAsync();
        int taken = await FillAsync();
        Assert.InRange(taken, 5000, 20_000);
        Assert.InRange(BytesOnDisk, 10 << 20, LocalStoreOptions.LeastBytes + (1 << 20));
        await ReopenAsync();
        await Assert.ThrowsAsync<TryAgainException>(() => AppendAsync(new string('x', 100_000)));
        ProducerSession session = Store.BeginProducer(Car(1));
        EventBatchBuilder great = new();
        great.TryAdd("t"u8, default, default, new byte[200_000], 1);
        EventBatch batch = great.Build(new EventIdentity(Car(1), 7, 1), default, mayHaveTwins: false);
        Assert.Equal(ProduceRefusal.NotWriting, (await SendAsync(session, batch)).Refusal);
        Assert.Equal(ProduceRefusal.OutOfOrder, (await SendAsync(session, Batch(Car(1), 2, 1, after: 1))).Refusal);
        await SetAsync("session/a", "there is room for what is not events");
        await Store.CommitAsync(Reader, P0, Cursor.Start.With(Store.Origin, new Offset(taken)), default);
        Assert.Equal(taken, (await EventsAsync(maxBytes: 1 << 20)).Count);
    }

    [Fact]
    public async Task Where_the_oldest_may_go_new_events_are_taken_for_ever_and_what_went_is_told()
    {
        _options = _options with { MaxBytes = LocalStoreOptions.LeastBytes, WhenFull = WhenStoreFull.DropOldest };
        await ReopenAsync();
        string text = new('x', 4000);
        for (int i = 0; i < 14; i++)
        {
            await Task.WhenAll(Enumerable.Range(0, 500).Select(n => AppendAsync(text, client: $"{n % 7}")));
        }

        Assert.InRange(BytesOnDisk, 10 << 20, LocalStoreOptions.LeastBytes + (1 << 20));
        LaneStatus lane = Store.Lanes(P0).Single();
        Assert.Equal(7000, lane.NextOffset.Value);
        Dictionary<long, string> events = await EventsAsync(maxBytes: 1 << 20);
        Assert.Equal(7000 - lane.FirstOffset.Value, events.Count);
        Assert.InRange(events.Count, 1000, 4000);
        Assert.Contains(_logger.Logs.Entries, e => e.EventId.Id == 4104);
        await ReopenAsync();
        Assert.Equal(lane, Store.Lanes(P0).Single());
    }

    [Fact]
    public async Task The_settings_of_a_stream_say_how_old_its_events_become_and_how_many_bytes_of_them_stay()
    {
        await Store.SetRegisterAsync(Fleet, StreamSettings.RegisterKey,
            new StreamSettings(4) { RetentionAge = TimeSpan.FromHours(1) }.Write(), default);
        await AppendAsync("old");
        await AppendAsync("lamp", topic: "lamp", retained: true);
        Time.Advance(TimeSpan.FromMinutes(50));
        await AppendAsync("young");
        Time.Advance(TimeSpan.FromMinutes(20));
        await Eventually.EqualAsync(
            2L,
            () =>
            {
                Time.Advance(TimeSpan.FromSeconds(1));
                return Store.Lanes(P0).Single().FirstOffset.Value;
            },
            "the old events go");
        Assert.Equal(["young"], await PayloadsAsync());
        Assert.Equal(2, Store.FindTime(Own, DateTimeOffset.UnixEpoch).Value);
        Assert.NotNull(await Store.RetainedAsync(Fleet, Bytes("lamp"), default));
        await Store.SetRegisterAsync(Fleet, StreamSettings.RegisterKey, new StreamSettings(4) { RetentionBytes = 300 }.Write(), default);
        for (int i = 0; i < 10; i++)
        {
            await AppendAsync($"{i}");
        }

        Time.Advance(TimeSpan.FromSeconds(10));
        await Eventually.TrueAsync(() => Store.Lanes(P0).Single().Bytes < 450, "only so many bytes stay");
        Assert.InRange(Store.Lanes(P0).Single().Bytes, 300, 449);
    }

    [Fact]
    public async Task When_SQLite_says_full_callers_are_told_and_it_goes_on_by_itself()
    {
        await AppendAsync("before");
        await ExecuteAsync("PRAGMA max_page_count=40");
        List<string> taken = ["before"];
        StorageFailedException? full = null;
        for (int i = 0; i < 200 && full is null; i++)
        {
            try
            {
                await AppendAsync($"{i}" + new string('x', 2000));
                taken.Add($"{i}");
            }
            catch (StorageFailedException e)
            {
                full = e;
            }
        }

        Assert.True(full?.IsFull, full?.Message);
        await ExecuteAsync("PRAGMA max_page_count=100000");
        await AppendAsync("after");
        taken.Add("after");
        await ReopenAsync();
        Assert.Equal(taken, (await PayloadsAsync()).Select(p => p.TrimEnd('x')));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_damaged_file_is_moved_aside_and_what_can_be_read_is_in_the_new_one(int seed)
    {
        await SetAsync("session/a", "kept");
        for (int i = 0; i < 40; i++)
        {
            await AppendAsync($"{i}:" + new string('x', 20_000), client: $"{i % 3}");
        }

        Origin old = Store.Origin;
        HashSet<BatchHeader> before = [.. await HeadsAsync()];
        await Local.DisposeAsync();
        Damage(seed);
        await ReopenAsync();
        Assert.NotEqual(old, Store.Origin);
        Assert.Single(Directory.GetFiles(Folder, "agent.db.damaged-*"), f => !f.EndsWith("-shm", StringComparison.Ordinal)
            && !f.EndsWith("-wal", StringComparison.Ordinal));
        Assert.Contains(_logger.Logs.Entries, e => e.EventId.Id == 4101);
        List<BatchHeader> after = await HeadsAsync();
        Assert.InRange(after.Count, 20, 39);
        Assert.Equal(after.Count, Local.Saved);
        Assert.Subset(before, after.ToHashSet());
        Assert.Equal("kept", Value("session/a"));
        Assert.Equal(after.Count, (int)(await AppendAsync("goes on")).Offset.Value);
    }

    [Fact]
    public async Task A_file_that_is_no_database_is_moved_aside_too()
    {
        await Local.DisposeAsync();
        await File.WriteAllTextAsync(FileName, string.Concat(Enumerable.Repeat("this is no database. ", 1000)));
        File.Delete(FileName + "-wal");
        await ReopenAsync();
        await AppendAsync("goes on");
        Assert.Equal(["goes on"], await PayloadsAsync());
    }

    [Fact]
    public async Task A_store_is_one_process_alone_and_faults_of_the_options_are_told()
    {
        await AppendAsync("x");
        StorageFailedException used = Assert.Throws<StorageFailedException>(() => Open(Folder));
        Assert.Contains("in use", used.Message, StringComparison.Ordinal);
        _options = _options with { MaxBytes = 1000 };
        ConfigurationException faulty = Assert.Throws<ConfigurationException>(() => Open(Folder));
        Assert.Contains("1000 bytes", faulty.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_asked_for_after_closing_is_refused_and_what_was_asked_before_is_done()
    {
        Task<EventPlace>[] calls = [.. Enumerable.Range(0, 100).Select(i => AppendAsync($"{i}"))];
        await Local.DisposeAsync();
        await Task.WhenAll(calls);
        await Assert.ThrowsAsync<TryAgainException>(() => AppendAsync("late"));
        Assert.Throws<TryAgainException>(() => Value("session/a"));
    }

    internal override Task<(IEventStore Store, IAsyncDisposable Open)> OpenAsync(string folder)
    {
        LocalStore store = Open(folder);
        return Task.FromResult<(IEventStore, IAsyncDisposable)>((store, store));
    }

    private Task ExecuteAsync(string sql) => Local.RunAsync(new StatementOperation(sql) { Cost = 1 }, default).AsTask();

    private Task<long> ScalarAsync(string sql) => Local.RunAsync(new ScalarOperation(sql) { Cost = 1 }, default).AsTask();

    private sealed class ScalarOperation(string sql) : LocalOperation<long>
    {
        public override void Apply(LocalTransaction transaction) => Result = transaction.Connection.Database.Scalar(sql);
    }

    private sealed class StatementOperation(string sql) : LocalOperation<bool>
    {
        public override void Apply(LocalTransaction transaction) => transaction.Connection.Database.Execute(sql);
    }

    private LocalStore Open(string folder) =>
        LocalStore.Open(_options with { Path = Path.Combine(folder, "agent.db") }, Time, new Random(), _logger);

    private async Task<List<BatchHeader>> HeadsAsync()
    {
        List<BatchHeader> heads = [];
        using LaneSlice slice = await Store.ReadAsync(Own, default, 1 << 24, default);
        foreach (LaneEntry entry in slice.Entries)
        {
            heads.Add(EventBatch.Parse(entry.Body).Header);
        }

        return heads;
    }

    private async Task<int> FillAsync()
    {
        string text = new('x', 1000);
        int taken = 0;
        for (int i = 0; i < 100; i++)
        {
            Task<EventPlace>[] calls = [.. Enumerable.Range(0, 500).Select(n => AppendAsync(text, client: $"{n % 7}"))];
            await Task.WhenAny(Task.WhenAll(calls));
            taken += calls.Count(c => c.IsCompletedSuccessfully);
            if (calls.FirstOrDefault(c => c.IsFaulted) is { } refused)
            {
                Assert.IsType<TryAgainException>(refused.Exception!.InnerException);
                return taken;
            }
        }

        throw new InvalidOperationException("it never became full");
    }

    // Pages in the second half of the file, where the entries are; a process that was killed leaves it to be checked.
    private void Damage(int seed)
    {
        using (Client.OutboxDatabase file = new(FileName, writable: true))
        {
            file.Execute("UPDATE meta SET value=0 WHERE key='clean'");
            file.TryWriteBack(1000, out _, out _);
        }

        Random chance = new(seed);
        using FileStream stream = File.OpenWrite(FileName);
        long pages = stream.Length / 4096;
        for (int i = 0; i < 2; i++)
        {
            stream.Position = (pages / 2 + chance.NextInt64(pages / 2)) * 4096;
            stream.Write(Encoding.ASCII.GetBytes(new string('?', 4096)));
        }
    }
}
