using Microsoft.Data.Sqlite;
using Streams.Core;

namespace Streams.Storage.Tests;

/// <summary>A good folder is found good, whatever happened to it; each kind of damage is found and named; nothing is changed.</summary>
public sealed class StoreVerifierTests
{
    [Fact]
    public async Task A_good_folder_is_found_good_and_left_as_it_was()
    {
        using FilledFolder filled = await FilledFolder.MakeAsync();
        string before = Fingerprint(filled.Folder);
        List<long> steps = [];

        StoreReport report = StoreVerifier.Verify(filled.Folder, (done, total) => steps.Add(total - done));

        Assert.Equal(string.Empty, Faults(report));
        Assert.True(report.IsGood);
        Assert.Equal(before, Fingerprint(filled.Folder));
        Assert.Equal(0, steps[^1]);
        FileCheck[] segments = [.. report.Files.Where(f => f.Name.EndsWith(".seg", StringComparison.Ordinal))];
        Assert.True(segments.Length > 3);
        Assert.Equal(2 * 120 * 6, segments.Sum(f => f.Events));
        Assert.Equal(segments[..^1].Sum(f => f.Entries),
            report.Files.Where(f => f.Name.EndsWith(".idx", StringComparison.Ordinal)).Sum(f => f.Entries));
        Assert.Equal("state.db", report.Files[^1].Name);
        Assert.True(report.Files[^1].Records > 10);
        Assert.Equal(2, report.Lanes.Count);
        Assert.Equal(7, report.Lanes.Single(l => l.Lane.Origin == Scene.Sj(1)).FirstEntry.Value);
    }

    [Fact]
    public async Task A_folder_that_is_being_written_is_found_good()
    {
        using FilledFolder filled = await FilledFolder.MakeAsync();
        await using Container store = await filled.OpenAsync();
        using CancellationTokenSource stop = new();
        Task writing = Task.Run(async () =>
        {
            for (int i = 100; !stop.IsCancellationRequested; i++)
            {
                await store.CommitAsync(FilledFolder.Shop, Scene.P0, Cursor.Start.With(Scene.Sj(1), new Offset(i)), default);
            }
        });
        for (int i = 0; i < 20; i++)
        {
            Assert.Equal(string.Empty, Faults(StoreVerifier.Verify(filled.Folder)));
        }

        await stop.CancelAsync();
        await writing;
    }

    [Fact]
    public async Task Damage_inside_a_segment_is_named_with_its_place_and_what_is_missing()
    {
        using FilledFolder filled = await FilledFolder.MakeAsync();
        FilledFolder.Flip(filled.Segments[2], 3000);

        FileCheck check = Damaged(filled, filled.Segments[2]);

        Assert.Contains(check.Faults, f => f.What.EndsWith(": a record is damaged", StringComparison.Ordinal)
            && f.Offset is > 2000 and <= 3000);
        Assert.Contains(check.Faults, f => f.What.Contains(" missing before it", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Entries_that_were_got_back_are_not_missing_and_the_damage_is_still_named()
    {
        using FilledFolder filled = await FilledFolder.MakeAsync();
        List<(LaneId Lane, LaneEntry Entry)> whole = [];
        await using (Container store = await filled.OpenAsync())
        {
            await ReadAsync(store, whole);
        }

        FilledFolder.Flip(filled.Segments[2], 3000);
        string segment = filled.Segments[2];
        Assert.Contains(Damaged(filled, segment).Faults, f => f.What.Contains(" missing before it", StringComparison.Ordinal));
        await using (Container store = await filled.OpenAsync())
        {
            await ReadAsync(store, []);
            DamagedRange run = Assert.Single(store.Damaged());
            LaneEntry[] lost = [.. whole.Where(w => w.Lane == run.Lane && w.Entry.Number.Value >= run.First.Value
                && w.Entry.Number.Value < run.Next.Value).Select(w => w.Entry)];
            Assert.Equal(IngestOutcome.Taken, (await store.IngestAsync(run.Lane, lost, default)).Outcome);
            Assert.DoesNotContain(Damaged(filled, segment).Faults, f => f.What.Contains("missing", StringComparison.Ordinal));
            for (int i = 0; i < 200; i++)
            {
                await store.CommitAsync(FilledFolder.Shop, Scene.P0, Cursor.Start.With(Scene.Sj(1), new Offset(i)), default);
            }
        }

        StoreReport report = StoreVerifier.Verify(filled.Folder);
        Assert.All(report.Files.Where(f => f.FaultCount > 0), f => Assert.Equal(Path.GetFileName(segment), f.Name));
        Assert.Single(report.Files.Single(f => f.Name == Path.GetFileName(segment)).Faults);
        Assert.Contains(LogDump.Read(filled.Folder, new DumpFilter()), r => r.Kind == "repaired");
    }

    // Entry by entry, what can be read.
    private static async Task ReadAsync(Container store, List<(LaneId Lane, LaneEntry Entry)> into)
    {
        foreach (LaneStatus lane in store.Lanes())
        {
            for (EntryNumber at = lane.FirstEntry; at.Value < lane.NextEntry.Value; at += 1)
            {
                try
                {
                    using LaneSlice slice = await store.ReadAsync(lane.Lane, at, 1, default);
                    into.Add((lane.Lane, Scene.Copy(slice.Entries[0])));
                }
                catch (StreamsException)
                {
                    // It is damaged: whoever reads goes on behind it.
                }
            }
        }
    }

    [Fact]
    public async Task Damage_of_what_was_trimmed_loses_no_entry()
    {
        using FilledFolder filled = await FilledFolder.MakeAsync();
        await using (Container store = await filled.OpenAsync())
        {
            await store.TrimAsync(new LaneId(Scene.P0, Scene.Sj(1)), new EntryNumber(70), default);
            await store.TrimAsync(new LaneId(Scene.P0, Scene.Of("ny")), new EntryNumber(30), default);
        }

        FilledFolder.Flip(filled.Segments[1], 3000);
        Assert.DoesNotContain(Damaged(filled, filled.Segments[1]).Faults, f => f.What.Contains("missing", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_header_a_cut_a_missing_segment_and_zeros_are_each_named()
    {
        await ExpectAsync(f => FilledFolder.Flip(f.Segments[1], 20), 1, 0, "the segment's header is damaged");
        await ExpectAsync(f => FilledFolder.Cut(f.Segments[1], 2048), 1, 2048, "bytes are missing: the next segment begins at position");
        await ExpectAsync(f => File.Delete(f.Segments[2]), 1, -2, "bytes are missing: the next segment begins at position");
        await ExpectAsync(f => Zero(f.Segments[1], 1024, 2048), 1, 1024, "zeros stand where a record belongs");
    }

    [Fact]
    public async Task A_torn_tail_is_told_and_is_no_damage()
    {
        using FilledFolder filled = await FilledFolder.MakeAsync();
        await using (Container store = await filled.OpenAsync())
        {
            string copy = filled.Folder + "-killed";
            Directory.CreateDirectory(copy);
            foreach (string file in Directory.GetFiles(filled.Folder))
            {
                File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
            }
        }

        string killed = filled.Folder + "-killed";
        string last = Directory.GetFiles(killed, "*.seg").Max(StringComparer.Ordinal)!;
        StoreReport before = StoreVerifier.Verify(killed);
        Assert.Equal(string.Empty, Faults(before));
        long end = (long)EndOf(last);
        using (FileStream file = new(last, FileMode.Open, FileAccess.ReadWrite))
        {
            file.Position = end;
            file.Write([200, 1, 0, 0, 9, 9, 9, 9, 2, 1, 0, 0, 55]);
        }

        StoreReport report = StoreVerifier.Verify(killed);
        Directory.Delete(killed, recursive: true);

        Assert.Equal(string.Empty, Faults(report));
        Assert.Equal($"torn tail: 13 bytes at {end}, of a write that nobody was told of",
            report.Files.Single(f => f.Name == Path.GetFileName(last)).Notes[^1]);
    }

    [Fact]
    public async Task A_damaged_page_of_an_index_is_made_anew_when_it_is_read()
    {
        using FilledFolder filled = await FilledFolder.MakeAsync(rounds: 400, segmentBytes: 64 << 10);
        List<(LaneId Lane, LaneEntry Entry)> whole = [];
        await using (Container store = await filled.OpenAsync())
        {
            await ReadAsync(store, whole);
        }

        string index = filled.Indexes[1];
        byte[] before = await File.ReadAllBytesAsync(index);
        Assert.Null(IndexHeader.TryRead(before, First(index), First(filled.Indexes[2]), before.Length, out IndexHeader header));
        for (int page = 1; page < header.Directory.FirstPage; page++)
        {
            FilledFolder.Flip(index, (page * IndexPage.Size) + 100);
            await using Container store = await filled.OpenAsync();
            List<(LaneId Lane, LaneEntry Entry)> again = [];
            await ReadAsync(store, again);
            Assert.Equal(whole.Count, again.Count(a => whole.Exists(w => w.Lane == a.Lane && w.Entry.Number == a.Entry.Number)));
            foreach (LaneStatus lane in store.Lanes())
            {
                for (int topic = 0; topic < 11; topic++)
                {
                    using LaneSlice slice = (await store.ReadTopicAsync(lane.Lane, TopicName.Parse($"t{topic}"), lane.FirstOffset, 1 << 20,
                        default)).Slice;
                    Assert.NotEmpty(slice.Entries);
                }
            }

            byte[] after = await File.ReadAllBytesAsync(index);
            Assert.True(before.AsSpan().SequenceEqual(after), $"page {page} of {header.Directory.FirstPage}");
        }
    }

    [Theory]
    [InlineData(0, -1)]
    [InlineData(100, -1)]
    [InlineData(4096, -1)]
    [InlineData(6000, -1)]
    [InlineData(-1, 0)]
    [InlineData(-1, 1)]
    public async Task An_index_that_a_kill_left_unfinished_is_no_damage_and_is_rebuilt_at_opening(int cutTo, int zeroPage)
    {
        using FilledFolder filled = await FilledFolder.MakeAsync();
        string index = filled.Indexes[1];
        byte[] whole = await File.ReadAllBytesAsync(index);
        byte[] left = cutTo >= 0 ? whole[..cutTo] : [.. whole];
        left.AsSpan(Math.Max(0, zeroPage) * IndexPage.Size, zeroPage < 0 ? 0 : IndexPage.Size).Clear();
        await File.WriteAllBytesAsync(index, left);

        StoreReport report = StoreVerifier.Verify(filled.Folder);
        Assert.Equal(string.Empty, Faults(report));
        FileCheck check = report.Files.Single(f => f.Name == Path.GetFileName(index));
        Assert.Contains("it is rebuilt at opening", Assert.Single(check.Notes), StringComparison.Ordinal);

        await using (Container store = await filled.OpenAsync())
        {
            await ReadAsync(store, []);                  // a page of rows is made anew when it is read
        }

        Assert.Empty(StoreVerifier.Verify(filled.Folder).Files.Single(f => f.Name == Path.GetFileName(index)).Notes);
        Assert.Equal(whole, await File.ReadAllBytesAsync(index));
    }

    [Fact]
    public async Task A_turned_bit_in_an_index_that_is_cut_is_damage_all_the_same()
    {
        using FilledFolder filled = await FilledFolder.MakeAsync();
        byte[] whole = await File.ReadAllBytesAsync(filled.Indexes[1]);
        byte[] left = whole[..(2 * IndexPage.Size)];
        left[IndexPage.Size + 40] ^= 1;
        await File.WriteAllBytesAsync(filled.Indexes[1], left);
        Assert.NotEmpty(Damaged(filled, filled.Indexes[1]).Faults);
    }

    [Fact]
    public async Task Every_page_of_an_index_is_checked_and_a_missing_one_is_no_damage()
    {
        using FilledFolder filled = await FilledFolder.MakeAsync();
        long pages = new FileInfo(filled.Indexes[1]).Length / IndexPage.Size;
        Assert.True(pages >= 4);
        for (int page = 0; page < pages; page++)
        {
            FilledFolder.Flip(filled.Indexes[1], (page * IndexPage.Size) + 40);
            FileFault fault = Assert.Single(Damaged(filled, filled.Indexes[1]).Faults);
            Assert.Equal(page == 0 ? "it is damaged" : $"page {page} is damaged", fault.What);
            Assert.Equal(page * IndexPage.Size, fault.Offset);
            FilledFolder.Flip(filled.Indexes[1], (page * IndexPage.Size) + 40);
        }

        File.Delete(filled.Indexes[1]);
        StoreReport report = StoreVerifier.Verify(filled.Folder);
        Assert.True(report.IsGood);
        Assert.Contains(report.Files, f => f.Notes.Any(n => n.StartsWith("it has no index file", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("place", 0, "its position is wrong")]
    [InlineData("place", 4, "its length is wrong")]
    [InlineData("place", 8, "its checksum is wrong")]
    [InlineData("place", 12, "the bytes before it are wrong")]
    [InlineData("place", 16, "its offset is wrong")]
    [InlineData("topic", 0, "mentions, the segment")]
    [InlineData("topic", 8, "")]
    [InlineData("topic", 12, "mentions, the segment")]
    [InlineData("mention", 0, "names another entry")]
    public async Task A_row_of_an_index_that_says_something_else_than_the_segment_is_named(string section, int at, string expected)
    {
        using FilledFolder filled = await FilledFolder.MakeAsync();
        byte[] file = await File.ReadAllBytesAsync(filled.Indexes[1]);
        Assert.Null(IndexHeader.TryRead(file, First(filled.Indexes[1]), First(filled.Indexes[2]), file.Length, out IndexHeader header));
        IndexSection rows = section switch
        {
            "place" => header.PlaceSection,
            "topic" => header.TopicSection,
            _ => header.MentionSection,
        };
        Span<byte> page = file.AsSpan(rows.FirstPage * IndexPage.Size, IndexPage.Size);
        page[rows.RowBytes + at] ^= 1;
        IndexPage.Seal(page, rows.FirstPage);
        await File.WriteAllBytesAsync(filled.Indexes[1], file);

        FileCheck check = Damaged(filled, filled.Indexes[1]);

        Assert.Contains(check.Faults, f => f.What.Contains(expected, StringComparison.Ordinal)
            && f.Offset / IndexPage.Size == (section == "place" ? header.PlaceSection : header.TopicSection).FirstPage);
    }

    [Theory]
    [InlineData("UPDATE rows SET crc = crc + 1 WHERE kind = 1 AND key = (SELECT min(key) FROM rows WHERE kind = 1)",
        "its checksum does not match")]
    [InlineData("UPDATE rows SET value = 'text' WHERE kind = 1 AND key = (SELECT min(key) FROM rows WHERE kind = 1)",
        "its checksum does not match")]
    [InlineData("UPDATE rows SET crc = 'text' WHERE kind = 1 AND key = (SELECT min(key) FROM rows WHERE kind = 1)",
        "its checksum does not match")]
    [InlineData("DELETE FROM rows WHERE kind = 3", "it does not say up to where in the log it holds")]
    [InlineData("DELETE FROM rows WHERE kind = 1 AND key = (SELECT min(key) FROM rows WHERE kind = 1)", "but not what stands at")]
    public async Task A_state_file_with_a_wrong_or_a_missing_row_is_named(string sql, string expected)
    {
        using FilledFolder filled = await FilledFolder.MakeAsync();
        Run(filled.State, sql);

        Assert.Contains(expected, Assert.Single(Damaged(filled, filled.State).Faults).What, StringComparison.Ordinal);
        await using Container store = await filled.OpenAsync();
        Assert.Equal(expected.StartsWith("but", StringComparison.Ordinal), store.Recovery.StateRebuilt.Length == 0);
    }

    [Fact]
    public async Task A_state_file_that_knows_more_than_the_log_is_named()
    {
        using FilledFolder filled = await FilledFolder.MakeAsync();
        using FilledFolder further = await FilledFolder.MakeAsync(rounds: 160);
        File.Copy(further.State, filled.State, overwrite: true);

        FileCheck check = Damaged(filled, filled.State);

        Assert.Contains(check.Faults, f => f.What.StartsWith("it is ahead of the log", StringComparison.Ordinal));
        Assert.Contains(check.Faults, f => f.What.Contains("it saw entries up to", StringComparison.Ordinal));
        Assert.Contains(check.Faults, f => f.What.Contains("knows of what the log does not say", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_state_file_that_is_no_database_is_named_and_a_missing_one_is_no_damage()
    {
        using FilledFolder filled = await FilledFolder.MakeAsync();
        FilledFolder.Flip(filled.State, 3);
        Assert.Single(Damaged(filled, filled.State).Faults);
        File.Delete(filled.State);
        Assert.True(StoreVerifier.Verify(filled.Folder).IsGood);
    }

    private static async Task ExpectAsync(Action<FilledFolder> damage, int segment, long offset, string expected)
    {
        using FilledFolder filled = await FilledFolder.MakeAsync();
        string name = filled.Segments[segment];
        damage(filled);
        Assert.Contains(Damaged(filled, name).Faults, f => f.What.Contains(expected, StringComparison.Ordinal)
            && (offset == -2 || f.Offset == offset));
    }

    private static FileCheck Damaged(FilledFolder filled, string path)
    {
        StoreReport report = StoreVerifier.Verify(filled.Folder);
        Assert.False(report.IsGood);
        FileCheck check = report.Files.Single(f => f.Name == Path.GetFileName(path));
        Assert.True(check.FaultCount > 0, Faults(report));
        return check;
    }

    private static string Faults(StoreReport report) =>
        string.Join('\n', report.Files.SelectMany(f => f.Faults.Select(x => $"{f.Name} at {x.Offset}: {x.What}")));

    private static string Fingerprint(string folder) => string.Join('\n', new DirectoryInfo(folder).GetFiles().OrderBy(f => f.Name)
        .Select(f => $"{f.Name} {f.Length} {f.LastWriteTimeUtc.Ticks} {Convert.ToHexString(File.ReadAllBytes(f.FullName)).GetHashCode()}"));

    private static long First(string index) =>
        SegmentHeader.TryParseName(Path.GetFileName(Path.ChangeExtension(index, ".seg")), out long first) ? first
            : throw new InvalidOperationException(index);

    private static long EndOf(string segment)
    {
        byte[] bytes = File.ReadAllBytes(segment);
        int last = bytes.AsSpan().LastIndexOfAnyExcept((byte)0) + 1;
        return (last + RecordHeader.Alignment - 1) & -RecordHeader.Alignment;
    }

    private static void Zero(string path, long from, int count)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.ReadWrite);
        file.Position = from;
        file.Write(new byte[count]);
    }

    private static void Run(string path, string sql)
    {
        using SqliteConnection connection = new($"Data Source={path};Pooling=False");
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        Assert.True(command.ExecuteNonQuery() > 0);
    }
}
