using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Streams.Core;
using Streams.Testing;

namespace Streams.Client.Tests;

/// <summary>What the files take on disk, measured at the files; and what happens when the disk itself has no room.</summary>
public sealed class FileBoundsTests : IDisposable
{
    private static readonly StreamPath Fleet = StreamPath.Parse("/fleet");
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(1, 1 << 20)]
    [InlineData(2, 3 << 20)]
    [InlineData(3, 8 << 20)]
    public async Task Database_and_journal_stay_within_the_cap_whatever_is_written_and_also_after_a_restart(int seed, long cap)
    {
        string file = _directory.Combine("outbox.db");
        Random random = new(seed);
        long greatest = 0;
        for (int life = 0; life < 3; life++)
        {
            await using EventOutbox outbox = EventOutbox.Open(file, cap, TimeProvider.System, new Random(seed + life), NullLogger.Instance);
            Dictionary<StreamPartition, (long First, long Last)> waiting = [];
            foreach (RestoredPartition restored in outbox.Restored.Where(static r => r.Waiting.Count > 0))
            {
                waiting[restored.Partition] = (restored.Waiting[0].First, restored.Waiting[^1].Last);
            }

            long written = 0;
            List<Task<PublishReceipt>> open = [];
            while (written < 3 * cap)
            {
                for (int i = 0; i < 64; i++)
                {
                    int bytes = random.Next(10) switch { 0 => random.Next(9000), 1 => 2100, 2 => 4070, _ => random.Next(300) };
                    open.Add(Publish(outbox, $"car-{random.Next(50)}", bytes).AsTask());
                    written += bytes + 64;
                }

                // The outbox is full, or the next events fit: both come to rest without a cluster's help.
                await outbox.RunAsync(static _ => 0);
                greatest = Math.Max(greatest, Check());
                foreach (Task<PublishReceipt> done in open.Where(static p => p.IsCompleted).ToArray())
                {
                    open.Remove(done);
                    PublishReceipt receipt = await done;
                    (long first, long last) = waiting.GetValueOrDefault(receipt.Partition, (receipt.Identity.Sequence, 0));
                    waiting[receipt.Partition] = (Math.Min(first, receipt.Identity.Sequence), Math.Max(last, receipt.Identity.Sequence));
                }

                if (outbox.Gate.Waiting > 0 && waiting.Count > 0)
                {
                    StreamPartition partition = waiting.Keys.ElementAt(random.Next(waiting.Count));
                    (long first, long last) = waiting[partition];
                    long upTo = random.Next(2) == 0 ? last : first + ((last - first) / 2);
                    await outbox.WriteAsync(new ConfirmOperation([new ConfirmedRun(partition, outbox.Epoch,
                        new PlacedRun(first, upTo, ReaderStory.Lane("A.1"), new Offset(first)))], [], static _ => []));
                    waiting.Remove(partition);
                    if (upTo < last)
                    {
                        waiting[partition] = (upTo + 1, last);
                    }

                    await outbox.RunAsync(static _ => 0);
                    Check();
                }
            }

            _ = Task.WhenAll(open).ContinueWith(static t => _ = t.Exception, TaskScheduler.Default);   // those left wait in vain
        }

        Assert.InRange(greatest, cap / 3, cap);

        long Check()
        {
            long bytes = Size(file) + Size(file + "-wal") + Size(file + "-shm");
            Assert.True(bytes <= cap, $"{Size(file)} + {Size(file + "-wal")} + {Size(file + "-shm")} are {bytes} of {cap} bytes");
            return bytes;
        }
    }

    [Fact]
    public async Task An_event_of_the_greatest_size_goes_into_the_smallest_outbox_and_takes_no_more_than_the_overshoot_stated()
    {
        string file = _directory.Combine("outbox.db");
        await using EventOutbox outbox = EventOutbox.Open(file, 1 << 20, TimeProvider.System, new Random(1), NullLogger.Instance);
        for (int i = 1; i <= 4; i++)
        {
            PublishReceipt receipt = await Publish(outbox, "car-1", EventLimits.MaxPayloadBytes);
            Assert.InRange(Size(file) + Size(file + "-wal") + Size(file + "-shm"), 1 << 20, (1 << 20) + FileLimits.Overshoot);
            await outbox.WriteAsync(new ConfirmOperation([new ConfirmedRun(receipt.Partition, outbox.Epoch,
                new PlacedRun(i, i, ReaderStory.Lane("A.1"), new Offset(i)))], [], static _ => []));
            await outbox.RunAsync(static _ => 0);
        }
    }

    [Fact]
    public async Task A_long_backlog_that_is_confirmed_at_once_leaves_in_parts_and_the_journal_stays_short()
    {
        const long Cap = 16 << 20;
        string file = _directory.Combine("outbox.db");
        await using EventOutbox outbox = EventOutbox.Open(file, Cap, TimeProvider.System, new Random(1), NullLogger.Instance);
        // On the pool: where xunit has a context of its own, each continuation gets a thread of its own.
        Task<PublishReceipt>[] published = await Task.Run(() =>
            Enumerable.Range(0, 50_000).Select(_ => Publish(outbox, "car-1", 100).AsTask()).ToArray());
        PublishReceipt last = (await Task.WhenAll(published))[^1];
        await outbox.WriteAsync(new ConfirmOperation([new ConfirmedRun(last.Partition, outbox.Epoch,
            new PlacedRun(1, 50_000, ReaderStory.Lane("A.1"), new Offset(0)))], [], static _ => []));
        await outbox.WhenEmptyAsync(default).WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(0, await outbox.RunAsync(static t => t.Database.Scalar("SELECT count(*) FROM events")));
        Assert.InRange(Size(file + "-wal"), 1, FileLimits.For(Cap).JournalBytes);
    }

    [Fact]
    public async Task A_foreign_reader_that_holds_the_journal_stops_publishing_with_a_clear_error_and_does_not_let_the_journal_grow()
    {
        const long Cap = 2 << 20;
        string file = _directory.Combine("outbox.db");
        await using EventOutbox outbox = EventOutbox.Open(file, Cap, TimeProvider.System, new Random(1), NullLogger.Instance);
        await Publish(outbox, "car-1", 10);
        StorageFailedException? refused = null;
        int stored = 1;
        using (OutboxDatabase reader = new(file, writable: false))
        {
            reader.Execute("BEGIN");
            Assert.Equal(1, reader.Scalar("SELECT count(*) FROM events"));
            for (int i = 0; i < 500 && refused is null; i++)
            {
                try
                {
                    await Publish(outbox, "car-1", 3000);
                    stored++;
                }
                catch (StorageFailedException e)
                {
                    refused = e;
                }
            }

            Assert.True(refused?.IsFull, refused?.Message);
            Assert.Contains("its journal is full", refused!.Message, StringComparison.Ordinal);
            Assert.InRange(Size(file + "-wal"), 1, FileLimits.For(Cap).JournalBytes);
        }

        Assert.Equal(stored + 1, (await Publish(outbox, "car-1", 3000)).Identity.Sequence);
        Assert.Equal(stored + 1, outbox.Events);
    }

    [Fact]
    public async Task When_SQLite_says_full_publishers_are_told_to_try_again_and_it_goes_on_by_itself_when_there_is_room()
    {
        string file = _directory.Combine("outbox.db");
        List<long> acknowledged = [];
        await using (EventOutbox outbox = EventOutbox.Open(file, 64 << 20, TimeProvider.System, new Random(1), NullLogger.Instance))
        {
            await outbox.RunAsync(static t =>
            {
                t.Database.Execute("PRAGMA max_page_count=60");
                return 0;
            });
            StorageFailedException full = await PublishUntilRefusedAsync(outbox, acknowledged);
            Assert.True(full.IsFull);
            await outbox.RunAsync(static t =>
            {
                t.Database.Execute("PRAGMA max_page_count=10000");
                return 0;
            });
            acknowledged.Add((await Publish(outbox, "car-1", 1000)).Identity.Sequence);
            Assert.Equal(acknowledged.Count, outbox.Events);
        }

        await CheckAsync(file, acknowledged);
    }

    [TmpfsFact]
    public async Task On_a_full_disk_publishers_are_told_confirmations_are_kept_and_it_goes_on_when_there_is_room()
    {
        string disk = _directory.CreateDirectory("disk");
        await ForeignTool.RunAsync("mount", ["-t", "tmpfs", "-o", "size=3m", "tmpfs", disk]);
        try
        {
            string file = Path.Combine(disk, "outbox.db");
            string ballast = Path.Combine(disk, "ballast");
            await System.IO.File.WriteAllBytesAsync(ballast, new byte[1 << 20]);
            List<long> acknowledged = [];
            await using (EventOutbox outbox = EventOutbox.Open(file, 64 << 20, TimeProvider.System, new Random(1), NullLogger.Instance))
            {
                StorageFailedException full = await PublishUntilRefusedAsync(outbox, acknowledged);
                Assert.True(full.IsFull, full.Message);
                Assert.Equal(acknowledged.Count, outbox.Events);
                await Assert.ThrowsAsync<StorageFailedException>(() => Publish(outbox, "car-1", 100_000).AsTask());

                // A confirmation while the disk is full must not be lost, whether or not it can be written now.
                PublishReceipt first = default;
                await outbox.WriteAsync(new ConfirmOperation([new ConfirmedRun(Partition("car-1"), outbox.Epoch,
                    new PlacedRun(1, 2, ReaderStory.Lane("A.1"), new Offset(1)))], [], static _ => []));
                System.IO.File.Delete(ballast);
                await Eventually.TrueAsync(async () =>
                {
                    try
                    {
                        first = await Publish(outbox, "car-1", 1000);
                        return true;
                    }
                    catch (StorageFailedException)
                    {
                        return false;
                    }
                }, "it goes on by itself", TimeSpan.FromSeconds(20));
                acknowledged.Add(first.Identity.Sequence);
                acknowledged.RemoveRange(0, 2);
                await Eventually.EqualAsync(acknowledged.Count, () => (int)outbox.Events, "the confirmation is kept");
            }

            await CheckAsync(file, acknowledged);
        }
        finally
        {
            await ForeignTool.RunAsync("umount", ["-l", disk]);
        }
    }

    private static async Task<StorageFailedException> PublishUntilRefusedAsync(EventOutbox outbox, List<long> acknowledged)
    {
        for (int i = 0; i < 100_000; i++)
        {
            try
            {
                acknowledged.Add((await Publish(outbox, "car-1", 1000)).Identity.Sequence);
            }
            catch (StorageFailedException e)
            {
                return e;
            }
        }

        throw new InvalidOperationException("it was never full");
    }

    // Read anew: what was acknowledged is there, with its bytes, and nothing else.
    private static async Task CheckAsync(string file, List<long> acknowledged)
    {
        await using EventOutbox reopened = EventOutbox.Open(file, 64 << 20, TimeProvider.System, new Random(2), NullLogger.Instance);
        Assert.Equal(acknowledged.Count, reopened.Events);
        Assert.Equal(acknowledged, reopened.Restored.SelectMany(static r => r.Waiting)
            .SelectMany(static w => Enumerable.Range((int)w.First, (int)(w.Last - w.First + 1))).Select(static s => (long)s));
        Assert.Equal("ok", await reopened.RunAsync(static t => t.Database.ScalarText("PRAGMA integrity_check")));
    }

    private static StreamPartition Partition(string topic) =>
        new(Fleet, Partitioner.For(default, Encoding.UTF8.GetBytes(topic), StreamSettings.DefaultPartitions));

    private static ValueTask<PublishReceipt> Publish(EventOutbox outbox, string topic, int bytes) =>
        outbox.PublishAsync(Fleet, new PlainEvent(Encoding.UTF8.GetBytes(topic), default, default, new byte[bytes], 0), default);

    private static long Size(string file) => new FileInfo(file) is { Exists: true } info ? info.Length : 0;
}

/// <summary>A test that needs a small file system of its own; elsewhere it is skipped, and says why.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class TmpfsFactAttribute : FactAttribute
{
    public TmpfsFactAttribute()
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess)
        {
            Skip = "only root on Linux can mount a file system that is full";
            return;
        }

        using TemporaryDirectory probe = new();
        try
        {
            ForeignTool.RunAsync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", probe.FullName]).GetAwaiter().GetResult();
            ForeignTool.RunAsync("umount", [probe.FullName]).GetAwaiter().GetResult();
        }
        catch (ToolFailedException e)
        {
            Skip = $"no file system can be mounted here: {e.Message.ReplaceLineEndings(" ")}";
        }
    }
}
