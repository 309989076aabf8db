using System.Text.Json;
using Streams.Client;
using Streams.Core;

namespace Streams.Cli.Tests;

public sealed class VerifyAndRepairTests : IDisposable
{
    private readonly OutboxStory _story = new();

    public void Dispose() => _story.Dispose();

    [Fact]
    public async Task A_file_of_the_client_has_no_findings()
    {
        List<PublishReceipt> receipts = await _story.PublishAsync(20);
        await _story.RefuseAsync(receipts[0].Partition, 4, 6, "too big");
        await _story.ConfirmAsync(receipts[0].Partition, 1, 3);
        await _story.PublishAsync(5, "car-2");

        CliRun run = await CliRun.GoodAsync("outbox", "verify", _story.File);

        Assert.Equal("0 findings, 0 of them repairable; 22 events looked at", run.Lines[^1]);
    }

    [Theory]
    [InlineData("UPDATE partitions SET events=0, bytes=0", "partition-count", true)]
    [InlineData("CREATE INDEX extra ON partitions(next) WHERE next<0; PRAGMA writable_schema=ON; UPDATE sqlite_master SET"
        + " sql='CREATE INDEX extra ON partitions(next)' WHERE name='extra'", "index-damaged", true)]
    [InlineData("UPDATE partitions SET next=3", "partition-next", true)]
    [InlineData("UPDATE partitions SET id=id+7; UPDATE epochs SET partition=partition+7; UPDATE events SET id=id+(7<<44)",
        "partition-numbers", false)]
    [InlineData("UPDATE partitions SET stream='fleet'", "partition-name", true)]
    [InlineData("DELETE FROM partitions", "partition-missing", true)]
    [InlineData("DELETE FROM partitions; DELETE FROM copies", "event-orphan", false)]
    [InlineData("DELETE FROM epochs", "epochs-wrong", true)]
    [InlineData("UPDATE epochs SET epoch=epoch+1", "epochs-wrong", true)]
    [InlineData("UPDATE events SET topic=x'ff00' WHERE (id & 15) = 2", "event-unreadable", true)]
    [InlineData("UPDATE events SET headers=x'ffffff' WHERE (id & 15) = 2", "event-unreadable", true)]
    [InlineData("UPDATE events SET key=zeroblob(5000) WHERE (id & 15) = 2", "event-unreadable", true)]
    [InlineData("UPDATE events SET bytes=1 WHERE (id & 15) = 2", "event-size", true)]
    [InlineData("UPDATE events SET at=9223372036854775807 WHERE (id & 15) = 2", "event-time", false)]
    [InlineData(
        "INSERT INTO refused SELECT id, epoch, at, bytes, topic, key, headers, payload, 'x', crc, seal FROM events LIMIT 1", "event-twice",
        false)]
    [InlineData("UPDATE events SET payload=x'00' WHERE (id & 15) = 2", "event-damaged", false)]
    [InlineData("INSERT INTO stand VALUES(1, 'nonsense', 4, 0)", "stand-damaged", true)]
    [InlineData("INSERT INTO stand VALUES(99, 'sj.0192f3ab4c5d6e7f', 4, 0)", "row-orphan", true)]
    [InlineData("INSERT INTO streams VALUES('/fleet', 0)", "stream-damaged", true)]
    [InlineData("INSERT INTO consumers VALUES(1, 'c', 'x')", "consumer-damaged", false)]
    [InlineData("INSERT INTO consumers VALUES(1, 'c', '/x'); INSERT INTO cursors VALUES(1, 0, x'ff', x'00')", "cursor-damaged", false)]
    [InlineData("INSERT INTO consumers VALUES(1, 'c', '/x'); INSERT INTO given VALUES(1, 0, x'00', 1, x'00', 0)", "given-damaged", false)]
    [InlineData("DELETE FROM meta WHERE key='producer'", "producer-missing", true)]
    [InlineData("UPDATE meta SET value=x'0102' WHERE key='producer'", "producer-damaged", true)]
    [InlineData("UPDATE meta SET value=x'0102' WHERE key='producer'; DELETE FROM copies", "producer-damaged", false)]
    [InlineData("UPDATE partitions SET next=next+1", "count-check", true)]
    public async Task Each_broken_rule_is_found_and_repaired_only_where_nothing_is_lost(string damage, string code, bool repairable)
    {
        await _story.PublishAsync(10);
        _story.Sql(damage);
        byte[] before = _story.Bytes();

        CliRun verified = await CliRun.RunAsync("outbox", "verify", _story.File, "--json");

        Assert.Equal(ExitCode.Findings, verified.Code);
        Assert.Equal(before, _story.Bytes());
        JsonElement[] findings = [.. verified.Json.Single().GetProperty("told").EnumerateArray()];
        Assert.Contains(findings, f => f.GetProperty("code").GetString() == code && f.GetProperty("repairable").GetBoolean() == repairable);

        long events = Events();
        CliRun repaired = await CliRun.RunAsync("outbox", "repair", _story.File, "--json");
        CliRun again = await CliRun.RunAsync("outbox", "verify", _story.File, "--json");

        JsonElement told = repaired.Json.Single();
        Assert.Equal(events, Events());
        Assert.True(File.Exists(told.GetProperty("copy").GetString()));
        Assert.DoesNotContain(again.Json.Single().GetProperty("told").EnumerateArray(), static f =>
            f.GetProperty("repairable").GetBoolean());
        if (repairable)
        {
            Assert.NotEqual(0, told.GetProperty("done").GetArrayLength());
            Assert.Equal(ExitCode.Done, repaired.Code);
            Assert.Equal(ExitCode.Done, again.Code);
        }
        else
        {
            Assert.Equal(ExitCode.Findings, repaired.Code);
        }
    }

    [Theory]
    [InlineData("UPDATE partitions SET events=0, bytes=0, next=2")]
    [InlineData("DELETE FROM epochs")]
    [InlineData("UPDATE epochs SET epoch=5")]
    public async Task After_a_repair_the_client_sends_every_event_under_its_identity_again_R7(string damage)
    {
        List<PublishReceipt> receipts = [.. await _story.PublishAsync(5), .. await _story.PublishAsync(5)];
        _story.Sql(damage);
        await CliRun.GoodAsync("outbox", "repair", _story.File);

        await using EventOutbox outbox = _story.Open();

        RestoredPartition restored = Assert.Single(outbox.Restored, static r => r.Waiting.Count > 0);
        Assert.Equal([(receipts[0].Identity.Epoch, 1L, 5L), (receipts[5].Identity.Epoch, 6L, 10L)], restored.Waiting);
        Assert.Equal(10, outbox.Events);
        Assert.Equal(11, (await OutboxStory.PublishAsync(outbox, 1))[0].Identity.Sequence);
    }

    [Fact]
    public async Task An_event_that_cannot_be_sent_is_put_aside_with_the_reason_and_its_bytes()
    {
        await _story.PublishAsync(3);
        _story.Sql("UPDATE events SET topic=x'2b' WHERE (id & 15) = 2");

        await CliRun.GoodAsync("outbox", "repair", _story.File);

        CliRun list = await CliRun.GoodAsync("outbox", "refused", "list", _story.File, "--json");
        JsonElement refused = Assert.Single(list.Json);
        Assert.Contains("put aside by repair", refused.GetProperty("refused").GetString(), StringComparison.Ordinal);
        Assert.Equal("car-1 2", refused.GetProperty("payload").GetString());
        Assert.Equal(2, (await CliRun.GoodAsync("outbox", "export", _story.File)).Lines.Length);
    }

    [Fact]
    public async Task Repair_is_refused_while_a_client_has_the_file()
    {
        await using EventOutbox outbox = _story.Open();
        await OutboxStory.PublishAsync(outbox, 1);

        CliRun repair = await CliRun.RunAsync("outbox", "repair", _story.File);
        CliRun retry = await CliRun.RunAsync("outbox", "refused", "retry", _story.File, "--all");
        CliRun send = await CliRun.RunAsync("outbox", "send", _story.File, "--cluster", "sj=127.0.0.1:9");

        Assert.All([repair, retry, send], static run => Assert.Equal(ExitCode.InUse, run.Code));
        Assert.All([repair, retry, send], static run => Assert.Contains("in use by a running client", run.Error, StringComparison.Ordinal));
        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(_story.File)!, "*before-repair*"));
        await OutboxStory.PublishAsync(outbox, 1);
    }

    [Fact]
    public async Task Of_damaged_pages_all_else_is_saved_and_what_is_missing_is_told()
    {
        List<PublishReceipt> receipts = await _story.PublishAsync(2000);
        using (FileStream file = new(_story.File, FileMode.Open, FileAccess.ReadWrite))
        {
            file.Position = file.Length / 2 / 4096 * 4096;
            file.Write(Enumerable.Repeat((byte)0xEE, 4096).ToArray());
        }

        byte[] before = File.ReadAllBytes(_story.File);
        CliRun verified = await CliRun.RunAsync("outbox", "verify", _story.File, "--json");
        CliRun sent = await CliRun.RunAsync("outbox", "send", _story.File, "--cluster", "sj=127.0.0.1:9");

        Assert.Equal(ExitCode.Findings, verified.Code);
        Assert.Contains(verified.Json.Single().GetProperty("told").EnumerateArray(), static f =>
            f.GetProperty("code").GetString() == "file-damaged" && f.GetProperty("repairable").GetBoolean());
        Assert.Equal(ExitCode.File, sent.Code);                 // to save is another thing than was asked for
        Assert.Contains("'streams outbox repair'", sent.Error, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(_story.File));
        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(_story.File)!, "*.damaged-*"));

        CliRun repaired = await CliRun.GoodAsync("outbox", "repair", _story.File, "--json");

        JsonElement told = repaired.Json.Single();
        Assert.Equal(before, File.ReadAllBytes(told.GetProperty("copy").GetString()!));
        long saved = _story.Scalar("SELECT count(*) FROM events");
        Assert.InRange(saved, 1900, 1999);
        Assert.Equal(2000 - saved, _story.Scalar($"SELECT events FROM gaps WHERE reason={(int)GapReason.Damaged}"));
        Assert.Contains($"{2000 - saved} are missing", told.GetProperty("done")[0].GetString(), StringComparison.Ordinal);
        await using EventOutbox outbox = _story.Open();
        Assert.Equal(receipts[0].Identity.Producer, outbox.Producer);
    }

    [Fact]
    public async Task A_file_that_is_no_outbox_is_not_touched_by_repair()
    {
        File.WriteAllText(_story.File, new string('x', 20_000));
        CliRun repaired = await CliRun.RunAsync("outbox", "repair", _story.File);
        Assert.Equal(ExitCode.File, repaired.Code);
        Assert.Contains("nothing of an outbox is found in it", repaired.Error, StringComparison.Ordinal);
        Assert.Equal(new string('x', 20_000), File.ReadAllText(_story.File));
        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(_story.File)!, "*.damaged-*"));
    }

    [Fact]
    public async Task An_event_whose_counted_bytes_are_set_right_still_matches_its_checksum()
    {
        await _story.PublishAsync(3);
        _story.Sql("UPDATE events SET bytes=1 WHERE (id & 15) = 2");

        await CliRun.GoodAsync("outbox", "repair", _story.File);

        Assert.Equal(3, _story.Scalar("SELECT count(crc) FROM events"));
        await CliRun.GoodAsync("outbox", "verify", _story.File);
    }

    private long Events() => _story.Scalar("SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM refused)");
}
