using Streams.Core;
using Streams.Gateways;
using Streams.Storage;
using Streams.Testing;

namespace Streams.Server.Tests;

/// <summary>Whichever file is damaged, cut or gone, the node starts, says what it found, loses no more than the records that were
/// damaged, gives no offset twice, and takes events.</summary>
public sealed class DamagedFileTests
{
    // Of each file; STREAMS_ROUNDS times as many in a long run.
    private const int Flips = 6;

    [Fact]
    public async Task A_damaged_a_cut_or_a_missing_file_costs_no_more_than_its_damaged_records()
    {
        using WrittenFolder folder = await WrittenFolder.MakeAsync();
        SeededRandom chance = Seeds.Next();
        int flips = Flips * Seeds.Rounds(1);
        int starts = 0;
        foreach (string name in Files(folder))
        {
            byte[] whole = folder.Contents(name);
            foreach ((string what, byte[]? contents, long from, long to) in Damages(whole, flips, chance))
            {
                folder.Restore(name, contents);
                await CheckAsync(folder, name, $"{chance}: {name}: {what}", from, to);
                starts++;
            }
        }

        Assert.True(starts > 50, $"{starts} starts");
    }

    // Of the segments the first, one with an index and the last, of the indexes one; the identity last, for a new file of that name tells
    // of a copy.
    private static List<string> Files(WrittenFolder folder)
    {
        List<string> names = [.. folder.Names];
        List<string> segments = names.FindAll(n => n.EndsWith(".seg", StringComparison.Ordinal));
        List<string> indexes = names.FindAll(n => n.EndsWith(".idx", StringComparison.Ordinal));
        Assert.True(segments.Count >= 5 && indexes.Count >= 3, string.Join(' ', names));
        HashSet<string> skipped = [.. segments[1..^1], .. indexes[..1], .. indexes[2..]];
        skipped.Remove(segments[2]);
        names.RemoveAll(skipped.Contains);
        foreach (string kind in (string[])["state.db", "state.db-wal", "identity", "catalog.json", "sj.witness"])
        {
            Assert.Contains(names, n => Path.GetFileName(n) == kind);
        }

        return [.. names.OrderBy(static n => n.EndsWith("identity", StringComparison.Ordinal))];
    }

    private static IEnumerable<(string What, byte[]? Contents, long From, long To)> Damages(byte[] whole, int flips, Random chance)
    {
        yield return ("missing", null, 0, whole.Length);
        if (whole.Length == 0)
        {
            yield break;
        }

        long used = whole.AsSpan().LastIndexOfAnyExcept((byte)0) + 1;
        foreach (long cut in (long[])[0, 1, Math.Min(64, whole.Length - 1), used / 4096 * 4096, used - 1, chance.NextInt64(used)])
        {
            if (cut < whole.Length)
            {
                yield return ($"cut at {cut} of {whole.Length}", whole[..(int)cut], cut, whole.Length);
            }
        }

        for (int i = 0; i < flips; i++)
        {
            int at = (int)(i < 2 ? chance.NextInt64(Math.Min(64, used)) : chance.NextInt64(used));
            byte[] damaged = [.. whole];
            damaged[at] ^= (byte)(1 << chance.Next(8));
            yield return ($"a bit at {at} of {whole.Length}", damaged, at, at + 1);
        }
    }

    private async Task CheckAsync(WrittenFolder folder, string name, string what, long from, long to)
    {
        string segment = Path.GetFileName(name);
        CollectingLoggerProvider log = new();
        ServerHost host;
        Origin origin;
        try
        {
            host = await ServerHost.StartAsync(folder.Options, TimeProvider.System, new Random(1), log, default);
        }
        catch (Exception fault)
        {
            throw new InvalidOperationException($"{what}: it does not start: {fault.Message}\n{log.Logs.Text}", fault);
        }

        try
        {
            bool isSilent = false;
            foreach (WrittenEntry entry in folder.Entries.Values)
            {
                bool mayBeLost = entry.Segment == segment && entry.From < to && entry.To > from;
                string? fault = await ReadAsync(host.Store, entry);
                isSilent |= fault is { } said && !said.Contains(entry.Lane.ToString(), StringComparison.Ordinal);
                Assert.True(fault is null || mayBeLost, $"{what}: {entry} is lost too: {fault}\n{log.Logs.Text}");
            }

            bool isTold = log.Logs.Entries.Any(e => e.Level >= Microsoft.Extensions.Logging.LogLevel.Warning)
                || log.Logs.Text.Contains("rebuilt", StringComparison.Ordinal);
            Assert.True(isTold || !isSilent, $"{what}: nothing was said\n{log.Logs.Text}");
            origin = host.Store.Origin;
            EventPlace place = await folder.WriteAsync(host.Store, 1);
            Assert.False(folder.Entries.ContainsKey((new LaneId(new StreamPartition(StreamPath.Parse("/fleet"), default), place.Origin),
                place.Offset)), $"{what}: offset {place.Offset} is given twice\n{log.Logs.Text}");
        }
        finally
        {
            await host.DisposeAsync();
        }

        Assert.DoesNotContain("   at Streams.", log.Logs.Text, StringComparison.Ordinal);

        // What is damaged stays so, and costs one incarnation at most.
        await using ServerHost again = await ServerHost.StartAsync(folder.Options, TimeProvider.System, new Random(2), log, default);
        Assert.True(origin == again.Store.Origin, $"{what}: the second start opens an incarnation too\n{log.Logs.Text}");
    }

    // Why an entry cannot be read as it was, or null.
    private static async Task<string?> ReadAsync(IEventStore store, WrittenEntry entry)
    {
        try
        {
            using LaneSlice slice = await store.ReadAsync(entry.Lane, entry.Offset, 1, default);
            if (slice.Entries.Count == 0)
            {
                return "there is no such offset";
            }

            LaneEntry read = slice.Entries[0];
            Assert.True(read.BaseOffset != entry.Offset || Crc32C.Compute(read.Body.Span) == entry.Checksum, $"{entry} is another event");
            return read.BaseOffset == entry.Offset ? null : $"offset {read.BaseOffset} is read";
        }
        catch (StreamsException fault)
        {
            return fault.Message;
        }
    }
}
