using Streams.Core;

namespace Streams.Client.Tests;

/// <summary>The journal of an outbox that was killed, damaged frame by frame. SQLite takes what is behind a damaged frame for a torn end
/// and forgets it without a word.</summary>
public sealed class DamagedJournalTests : IDisposable
{
    private const int HeadBytes = 32;
    private const int FrameBytes = 24 + DamagedStory.PageBytes;
    private readonly DamagedStory _story = new();

    private int Frames => (_story.Files[1].Length - HeadBytes) / FrameBytes;

    public void Dispose() => _story.Dispose();

    [Fact]
    public async Task The_journal_as_the_kill_left_it_is_sound()
    {
        await _story.MakeAsync(inJournal: true);
        Assert.InRange(Frames, 30, 1000);
        DamagedStory.Outcome outcome = await _story.CheckAsync(_story.Files, "as it was");
        Assert.Equal((_story.Waiting, 0L, false), (outcome.Came, outcome.Told, outcome.WasSaved));
        outcome = await _story.CheckAsync([_story.Files[0], _story.Files[1], []], "without its index");
        Assert.Equal((_story.Waiting, 0L, false), (outcome.Came, outcome.Told, outcome.WasSaved));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_byte_changed_in_each_frame_in_turn_costs_one_row_at_most_and_the_stream_tells(bool hasIndex)
    {
        await _story.MakeAsync(inJournal: true);
        Random random = new(3);
        int saved = 0;
        for (int frame = 0; frame < Frames - (hasIndex ? 0 : 12); frame += hasIndex ? 1 : 5)
        {
            int at = HeadBytes + (frame * FrameBytes) + 24 + random.Next(DamagedStory.PageBytes);
            byte[][] files = _story.With(1, bytes => bytes[at] ^= 0x11);
            files[2] = hasIndex ? files[2] : [];
            DamagedStory.Outcome outcome = await _story.CheckAsync(files, $"frame {frame} of {Frames}, byte {at}");
            Assert.InRange(outcome.Told, 0, 12);
            saved += outcome.WasSaved ? 1 : 0;
        }

        Assert.Equal(hasIndex ? Frames : (Frames - 12 + 4) / 5, saved);
    }

    [Fact]
    public async Task Each_frame_zeroed_in_turn_is_never_lost_in_silence()
    {
        await _story.MakeAsync(inJournal: true);
        for (int frame = 0; frame < Frames; frame += 2)
        {
            int at = HeadBytes + (frame * FrameBytes);
            await _story.CheckAsync(_story.With(1, bytes => bytes.AsSpan(at, FrameBytes).Clear()), $"frame {frame} of {Frames}",
                tellsTooMany: true);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(17)]
    [InlineData(25)]
    public async Task A_journal_whose_head_is_damaged_is_read_all_the_same(int at)
    {
        await _story.MakeAsync(inJournal: true);
        DamagedStory.Outcome outcome = await _story.CheckAsync(_story.With(1, bytes => bytes[at] ^= 0xFF), $"byte {at}");
        Assert.Equal((_story.Waiting, 0L, true), (outcome.Came, outcome.Told, outcome.WasSaved));
    }

    [Fact]
    public async Task A_database_whose_file_is_gone_is_saved_from_its_journal_as_far_as_that_goes()
    {
        await _story.MakeAsync(inJournal: true);
        string path = _story.Write([], _story.Files[1], _story.Files[2]);
        File.Delete(path);
        await using EventOutbox outbox = _story.Open(path);
        Assert.NotNull(outbox.Saved);
        Assert.InRange(outbox.Events, 10, _story.Waiting);
    }

    // What a cut of the power leaves: the last transaction was never flushed, and nobody was told of it.
    [Fact]
    public async Task A_torn_end_that_nobody_was_told_of_is_no_damage()
    {
        await _story.MakeAsync(inJournal: true);
        byte[] journal = _story.Files[1];
        for (int torn = 1; torn < 3 * FrameBytes; torn += FrameBytes / 2)
        {
            string path = _story.Write(_story.Files[0], journal[..^torn], []);
            await using EventOutbox outbox = _story.Open(path);
            Assert.Null(outbox.Saved);
            Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(path)!, "*damaged*"));
        }
    }

    // The index was written after the commit: what it says was there.
    [Fact]
    public async Task An_end_that_is_gone_although_it_was_committed_is_said()
    {
        await _story.MakeAsync(inJournal: true);
        string path = _story.Write(_story.Files[0], _story.Files[1][..^(5 * FrameBytes)], _story.Files[2]);
        await using EventOutbox outbox = _story.Open(path);
        Assert.Contains("that were committed to its journal are gone", _story.Logs.Logs.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task R7_sequences_go_on_where_none_was_ever_given_when_it_cannot_be_proven_which_were()
    {
        await _story.MakeAsync(inJournal: true);
        string path = _story.Write(_story.With(1, static bytes => bytes.AsSpan(HeadBytes + (3 * FrameBytes), 2 * FrameBytes).Clear()));
        await using EventOutbox outbox = _story.Open(path);
        Assert.NotEqual(0, outbox.Saved!.Leaps);
        foreach ((long partition, long next) in _story.Next)
        {
            Assert.True(await outbox.RunAsync(t => t.Database.Scalar($"SELECT next FROM partitions WHERE id={partition}"))
                >= next - 100 + SavedPartition.Leap);
        }

        Assert.Equal(_story.Producer, outbox.Producer);
    }
}
