using System.Text;
using Streams.Core;
using Streams.Gateways;
using Streams.Testing;

namespace Streams.EdgeAgent.Tests;

/// <summary>What users of other agents and bridges lost data or nights to, told of this one's store (docs/demands.md).</summary>
public sealed class StoreStoryTests : StoreScene
{
    private readonly CollectingLogger _logger = new();
    private LocalStoreOptions _options = new(string.Empty, ClusterName.Parse("line-4"))
    {
        MaxBytes = LocalStoreOptions.LeastBytes,
        GoesUp = _ => true,
    };

    private LocalStore Local => (LocalStore)Store;

    private string FileName => Path.Combine(Folder, "agent.db");

    private long BytesOnDisk => new[] { "", "-wal", "-shm" }.Sum(s => new FileInfo(FileName + s) is { Exists: true } f ? f.Length : 0);

    [Fact]
    public async Task Rows_deleted_before_the_acknowledgement_what_was_sent_and_not_answered_stays_though_the_store_is_full()
    {
        UpWindow window = new(Local);
        int stored = await FillAsync();
        List<UpEntry> sent = [];
        window.Load(sent);                             // all that the line would have swallowed
        Assert.NotEmpty(sent);
        await Assert.ThrowsAsync<TryAgainException>(() => AppendAsync(Text(stored)));
        await KillAsync();
        Assert.Equal(Enumerable.Range(0, stored).Select(Text), await PayloadsAsync());
        Assert.Equal(stored, new UpWindow(Local).Waiting);
    }

    [Theory]
    [InlineData("agent.db", 0.0, 1.0)]                 // all of it is zero bytes, as a power cut leaves it
    [InlineData("agent.db", 0.5, 0.6)]
    [InlineData("agent.db", 0.9, 1.0)]
    [InlineData("agent.db", 0.0, 0.001)]
    public async Task A_bridge_that_refuses_to_start_a_damaged_file_is_kept_aside_and_devices_are_served_at_once(string name, double from,
        double to)
    {
        for (int i = 0; i < 60; i++)
        {
            await AppendAsync(Text(i), client: "a");
        }

        await Local.DisposeAsync();
        using (Client.OutboxDatabase database = new(FileName, writable: true))
        {
            database.Execute("UPDATE meta SET value=0 WHERE key='clean'");
            database.TryWriteBack(10_000, out _, out _);
        }

        string file = Path.Combine(Folder, name);
        byte[] bytes = await File.ReadAllBytesAsync(file);
        bytes.AsSpan((int)(bytes.Length * from), (int)(bytes.Length * (to - from))).Clear();
        await File.WriteAllBytesAsync(file, bytes);
        await ReopenAsync();
        string[] saved = await PayloadsAsync();
        Assert.Equal(saved.Length, saved.Distinct().Count());
        Assert.Subset(Enumerable.Range(0, 60).Select(Text).ToHashSet(), saved.ToHashSet());
        Assert.Equal(Local.Saved, saved.Length);
        Assert.True(from == 0 || saved.Length >= 30, $"{saved.Length} are saved");
        Assert.Contains(Directory.GetFiles(Folder), f => f.Contains(".damaged-", StringComparison.Ordinal));
        await AppendAsync("goes on");
        await ReopenAsync();                           // and the next start finds nothing wrong
        Assert.Equal("goes on", (await PayloadsAsync())[^1]);
        Assert.Single(_logger.Logs.Entries, e => e.EventId.Id == 4101);
    }

    [Fact]
    public async Task A_cap_that_was_forgotten_after_the_restart_a_full_store_is_full_at_the_same_place_however_often_it_is_killed()
    {
        int stored = await FillAsync();
        for (int life = 0; life < 4; life++)
        {
            await KillAsync();
            await Assert.ThrowsAsync<TryAgainException>(() => AppendAsync(Text(stored)));
            Assert.InRange(BytesOnDisk, 1, _options.MaxBytes + (1 << 20));
        }

        Assert.Equal(stored, (await PayloadsAsync()).Length);
    }

    [Fact]
    public async Task A_start_that_loads_the_whole_backlog_a_long_one_is_read_in_a_window()
    {
        _options = _options with { MaxBytes = 64 << 20 };
        await ReopenAsync();
        int stored = await FillAsync();
        await KillAsync();
        GC.Collect();
        long before = GC.GetTotalMemory(forceFullCollection: true);
        await ReopenAsync();
        UpWindow window = new(Local);
        List<UpEntry> loaded = [];
        for (int i = 0; i < 10; i++)
        {
            window.Load(loaded);
        }

        Assert.Equal(stored, window.Waiting);
        Assert.InRange(loaded.Sum(e => (long)e.Bytes), 1 << 20, 9 << 20);
        Assert.True(GC.GetTotalMemory(forceFullCollection: true) - before < 24 << 20, "the backlog is in memory");
        GC.KeepAlive(loaded);
    }

    internal override Task<(IEventStore Store, IAsyncDisposable Open)> OpenAsync(string folder)
    {
        LocalStore store = LocalStore.Open(_options with { Path = Path.Combine(folder, "agent.db") }, Time, new Random(1), _logger);
        return Task.FromResult<(IEventStore, IAsyncDisposable)>((store, store));
    }

    // Until it is full; gives how many events are in it.
    private async Task<int> FillAsync()
    {
        for (int stored = 0; ; stored++)
        {
            try
            {
                await AppendAsync(Text(stored), client: "a");
            }
            catch (TryAgainException)
            {
                return stored;
            }
        }
    }

    private static string Text(int number) => $"{number:d5}{new string('x', 100_000)}";
}
