using System.Text.Json;
using Streams.Client;

namespace Streams.Cli.Tests;

public sealed class InspectTests : IDisposable
{
    private readonly OutboxStory _story = new();

    public void Dispose() => _story.Dispose();

    [Fact]
    public async Task Counts_partitions_topics_refusals_and_openings()
    {
        List<PublishReceipt> first = await _story.PublishAsync(10);
        await _story.RefuseAsync(first[0].Partition, 1, 2, "no such stream");
        await _story.ConfirmAsync(first[0].Partition, 3, 5);
        await _story.PublishAsync(4, "car-2");

        JsonElement told = Assert.Single((await CliRun.GoodAsync("outbox", "inspect", _story.File, "--json")).Json);

        Assert.Equal(9, told.GetProperty("events").GetInt64());
        Assert.False(told.GetProperty("inUse").GetBoolean());
        Assert.True(told.GetProperty("closedCleanly").GetBoolean());
        Assert.Equal(1_700_000_000, told.GetProperty("oldest").GetDateTimeOffset().ToUnixTimeSeconds());
        JsonElement partition = told.GetProperty("partitions").EnumerateArray()
            .Single(p => p.GetProperty("partition").GetString() == first[0].Partition.ToString());
        Assert.Equal(2, partition.GetProperty("refused").GetInt64());
        Assert.Equal(["sj.0192f3ab4c5d6e7f:102"], partition.GetProperty("stand").EnumerateArray().Select(static s => s.GetString()));
        Assert.Equal(["car-1 5", "car-2 4"], told.GetProperty("topics").EnumerateArray()
            .Select(static t => $"{t.GetProperty("topic").GetString()} {t.GetProperty("events").GetInt64()}"));
        Assert.Equal("no such stream", told.GetProperty("refused")[0].GetProperty("reason").GetString());
        Assert.Equal(4, told.GetProperty("openings").GetArrayLength());
        Assert.Equal([4L, 0, 0, 5], told.GetProperty("openings").EnumerateArray().Select(static o => o.GetProperty("events").GetInt64()));
    }

    [Fact]
    public async Task Text_names_what_waits()
    {
        await _story.PublishAsync(3);

        string text = (await CliRun.GoodAsync("outbox", "inspect", _story.File)).Out;

        Assert.Contains("waiting 3 events", text, StringComparison.Ordinal);
        Assert.Contains("topic /fleet:car-1: 3 waiting", text, StringComparison.Ordinal);
        Assert.Contains("no cluster has confirmed any", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Works_while_a_client_has_the_file_and_does_not_hold_it_up()
    {
        await using EventOutbox outbox = _story.Open();
        await OutboxStory.PublishAsync(outbox, 50);

        JsonElement told = Assert.Single((await CliRun.GoodAsync("outbox", "inspect", _story.File, "--json")).Json);
        await OutboxStory.PublishAsync(outbox, 50);

        Assert.True(told.GetProperty("inUse").GetBoolean());
        Assert.Equal(50, told.GetProperty("events").GetInt64());
        CliRun verified = await CliRun.GoodAsync("outbox", "verify", _story.File);
        Assert.Contains("0 findings", verified.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Looking_changes_no_byte_also_not_of_a_journal_left_by_a_killed_client()
    {
        await using (EventOutbox outbox = _story.Open())
        {
            await OutboxStory.PublishAsync(outbox, 20);
            foreach (string suffix in new[] { "", "-wal" })
            {
                File.Copy(_story.File + suffix, _story.Combine("killed.db") + suffix);
            }
        }

        string killed = _story.Combine("killed.db");
        (byte[] Database, byte[] Journal) before = (File.ReadAllBytes(killed), File.ReadAllBytes(killed + "-wal"));
        Assert.NotEmpty(before.Journal);

        JsonElement told = Assert.Single((await CliRun.GoodAsync("outbox", "inspect", killed, "--json")).Json);
        await CliRun.GoodAsync("outbox", "verify", killed);
        await CliRun.GoodAsync("outbox", "export", killed);

        Assert.Equal(20, told.GetProperty("events").GetInt64());
        Assert.False(told.GetProperty("closedCleanly").GetBoolean());
        Assert.Equal(before.Database, File.ReadAllBytes(killed));
        Assert.Equal(before.Journal, File.ReadAllBytes(killed + "-wal"));
    }

    [Fact]
    public async Task A_file_that_is_missing_no_database_or_no_outbox_is_told_in_one_line()
    {
        CliRun missing = await CliRun.RunAsync("outbox", "inspect", _story.Combine("none.db"));
        File.WriteAllText(_story.Combine("text.db"), "this is no database, however long it may be made to look like one");
        CliRun text = await CliRun.RunAsync("outbox", "inspect", _story.Combine("text.db"));
        using (OutboxDatabase other = new(_story.Combine("other.db"), writable: true))
        {
            other.Execute("CREATE TABLE x(a)");
        }

        CliRun foreign = await CliRun.RunAsync("outbox", "inspect", _story.Combine("other.db"));

        Assert.All([missing, text, foreign], static run => Assert.Equal(ExitCode.File, run.Code));
        Assert.Contains("there is no such file", missing.Error, StringComparison.Ordinal);
        Assert.Contains("not a database", text.Error, StringComparison.Ordinal);
        Assert.Contains("no outbox", foreign.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(_story.Combine("none.db")));
    }

    [Fact]
    public async Task A_file_of_a_newer_format_is_refused()
    {
        await _story.PublishAsync(1);
        _story.Sql("PRAGMA user_version=99");

        CliRun run = await CliRun.RunAsync("outbox", "inspect", _story.File);

        Assert.Equal(ExitCode.File, run.Code);
        Assert.Contains("format 99", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Columns_and_tables_of_newer_programs_are_passed_over()
    {
        await _story.PublishAsync(5);
        _story.Sql("ALTER TABLE events ADD COLUMN colour INTEGER NOT NULL DEFAULT 7; CREATE TABLE moods(mood TEXT)");

        Assert.Equal(5, (await CliRun.GoodAsync("outbox", "export", _story.File)).Lines.Length);
        Assert.Equal(5, Assert.Single((await CliRun.GoodAsync("outbox", "inspect", _story.File, "--json")).Json)
            .GetProperty("events").GetInt64());
        await CliRun.GoodAsync("outbox", "verify", _story.File);
    }
}
