using System.Buffers.Binary;

namespace Streams.Client.Tests;

/// <summary>Each page of an outbox's file damaged in turn: it opens, and what does not come is told.</summary>
public sealed class DamagedPagesTests : IDisposable
{
    private readonly DamagedStory _story = new();

    public void Dispose() => _story.Dispose();

    [Theory]
    [InlineData(0x00)]
    [InlineData(0xEE)]
    public async Task Each_page_overwritten_in_turn_costs_no_more_than_what_stood_on_it_and_the_stream_tells(byte with)
    {
        await _story.MakeAsync(inJournal: false);
        int pages = _story.Files[0].Length / DamagedStory.PageBytes;
        long told = 0;
        int saved = 0;
        for (int page = 0; page < pages; page++)
        {
            DamagedStory.Outcome outcome = await _story.CheckAsync(
                _story.With(0, bytes => bytes.AsSpan(page * DamagedStory.PageBytes, DamagedStory.PageBytes).Fill(with)),
                $"page {page + 1}");
            told = Math.Max(told, outcome.Told);
            saved += outcome.WasSaved ? 1 : 0;
        }

        // The harness sees damage: pages of events cost events, but never more than such a page holds; and most pages are in use.
        Assert.InRange(told, 1, 25);
        Assert.InRange(saved, pages / 2, pages);
    }

    [Fact]
    public async Task Single_bytes_changed_anywhere_cost_no_more_than_a_page_and_the_stream_tells()
    {
        await _story.MakeAsync(inJournal: false);
        int pages = _story.Files[0].Length / DamagedStory.PageBytes;
        Random random = new(11);
        for (int page = 0; page < pages; page++)
        {
            // In the head of the page, and in its rows.
            foreach (int at in new[] { random.Next(12), random.Next(40), random.Next(DamagedStory.PageBytes), 4095 - random.Next(400) })
            {
                byte by = (byte)random.Next(1, 256);
                await _story.CheckAsync(_story.With(0, bytes => bytes[(page * DamagedStory.PageBytes) + at] ^= by),
                    $"page {page + 1}, byte {at} ^ {by}");
            }
        }
    }

    [Fact]
    public async Task A_file_cut_anywhere_opens_and_tells_what_is_missing()
    {
        await _story.MakeAsync(inJournal: false);
        int length = _story.Files[0].Length;
        for (int cut = DamagedStory.PageBytes / 2; cut < length; cut += DamagedStory.PageBytes * 3 / 2)
        {
            string path = _story.Write(_story.Files[0][..cut]);
            await using EventOutbox outbox = _story.Open(path);
            Assert.Contains("is damaged", _story.Logs.Logs.Text, StringComparison.Ordinal);
            long rows = await outbox.RunAsync(static t => DamagedStory.Rows(t.Database).Count);
            Assert.True(rows < _story.Content.Count || cut > length / 2, $"{cut}: {rows}");
        }
    }

    [Fact]
    public async Task The_last_quarter_cut_off_or_zeroed_leaves_the_producer_and_tells_exactly_what_is_missing()
    {
        await _story.MakeAsync(inJournal: false);
        byte[] file = _story.Files[0];
        int from = file.Length * 3 / 4 / DamagedStory.PageBytes * DamagedStory.PageBytes;
        await _story.CheckAsync([file[..from], [], []], "cut");
        DamagedStory.Outcome outcome = await _story.CheckAsync(_story.With(0, bytes => bytes.AsSpan(from).Clear()), "zeroed");
        Assert.NotEqual(0, outcome.Told);
    }

    [Fact]
    public async Task A_file_of_which_nothing_can_be_read_is_kept_and_a_new_one_begun_under_a_new_producer()
    {
        await _story.MakeAsync(inJournal: false);
        byte[] noise = new byte[_story.Files[0].Length];
        new Random(5).NextBytes(noise);
        string path = _story.Write(noise);
        await using EventOutbox outbox = _story.Open(path);
        Assert.Equal(0, outbox.Events);
        Assert.NotEqual(_story.Producer, outbox.Producer);
        Assert.Contains("under the new one", _story.Logs.Logs.Text, StringComparison.Ordinal);
        string kept = Assert.Single(Directory.GetFiles(Path.GetDirectoryName(path)!, "outbox.db.damaged-*"));
        Assert.Equal(noise, await File.ReadAllBytesAsync(kept));
    }

    // What is left of such a file is not to be reckoned up; but it opens, and makes nothing up. STREAMS_ROUNDS times as many.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Whatever_is_done_to_the_files_the_outbox_opens_and_has_no_event_that_never_was(bool inJournal)
    {
        await _story.MakeAsync(inJournal);
        int rounds = 25 * (int.TryParse(Environment.GetEnvironmentVariable("STREAMS_ROUNDS"), out int times) ? times : 1);
        for (int seed = 0; seed < rounds; seed++)
        {
            Random random = new(seed);
            byte[][] files = [.. _story.Files.Select(static f => f.ToArray())];
            for (int wounds = random.Next(1, 8); wounds > 0; wounds--)
            {
                int which = random.Next(3);
                Wound(ref files[which], random);
            }

            string path = _story.Write(files);
            await using EventOutbox outbox = _story.Open(path);
            foreach ((string table, long row, string content, bool isSound) in
                await outbox.RunAsync(static t => DamagedStory.Rows(t.Database)))
            {
                if (table != "gaps" && isSound)
                {
                    Assert.True((_story.Content.TryGetValue((table, row), out string? was) && was == content)
                        || (_story.Ever.TryGetValue((table, row), out was) && was == content), $"seed {seed}: {table} {row} {content}");
                }
            }

            Assert.Equal("ok", await outbox.RunAsync(static t => t.Database.ScalarText("PRAGMA integrity_check")));
        }
    }

    // A bit in the head of the file would make SQLite refuse it, as of a newer kind or as one that may only be read.
    [Theory]
    [InlineData(18)]
    [InlineData(19)]
    [InlineData(60)]
    [InlineData(63)]
    public async Task A_head_that_says_that_the_file_is_of_another_kind_is_damage(int at)
    {
        await _story.MakeAsync(inJournal: false);
        DamagedStory.Outcome outcome = await _story.CheckAsync(_story.With(0, bytes => bytes[at] ^= 0x40), $"byte {at}");
        Assert.Equal((true, 0L), (outcome.WasSaved, outcome.Told));
    }

    [Fact]
    public async Task Rows_of_confirmed_events_on_free_pages_do_not_come_back()
    {
        await _story.MakeAsync(inJournal: false);
        uint free = BinaryPrimitives.ReadUInt32BigEndian(_story.Files[0].AsSpan(36));
        Assert.NotEqual(0u, free);

        // The first page is gone, and with it where the free pages are.
        DamagedStory.Outcome outcome = await _story.CheckAsync(
            _story.With(0, static bytes => bytes.AsSpan(0, DamagedStory.PageBytes).Clear()), "first page");
        Assert.Equal((_story.Waiting, 0L, true), (outcome.Came, outcome.Told, outcome.WasSaved));
    }

    private static void Wound(ref byte[] file, Random random)
    {
        if (file.Length == 0)
        {
            return;
        }

        int at = random.Next(file.Length);
        int length = Math.Min(file.Length - at, random.Next(3) == 0 ? random.Next(1, 20_000) : random.Next(1, 16));
        switch (random.Next(5))
        {
            case 0:
                file.AsSpan(at, length).Clear();
                break;
            case 1:
                random.NextBytes(file.AsSpan(at, length));
                break;
            case 2:
                file[at] ^= (byte)(1 << random.Next(8));
                break;
            case 3:
                file.AsSpan(random.Next(file.Length - length + 1), length).CopyTo(file.AsSpan(at));      // an older or another page
                break;
            default:
                file = random.Next(4) == 0 ? file[..at] : file;
                break;
        }
    }
}
