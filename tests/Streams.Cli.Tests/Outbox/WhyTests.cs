using System.Text.Json;
using Streams.Client;
using Streams.Core;

namespace Streams.Cli.Tests;

public sealed class WhyTests : IDisposable
{
    private readonly OutboxStory _story = new();

    public void Dispose() => _story.Dispose();

    [Fact]
    public async Task A_waiting_event_tells_what_it_waits_behind_and_that_nothing_sends()
    {
        List<PublishReceipt> receipts = await _story.PublishAsync(10);

        JsonElement why = await AskAsync(Name(receipts[6]));

        Assert.Equal("waiting", why.GetProperty("state").GetString());
        Assert.Equal(6, why.GetProperty("aheadEvents").GetInt64());
        Assert.Equal(
        [
            "No client has the outbox open, so nothing sends it.",
            $"It waits behind 6 events ({why.GetProperty("aheadBytes").GetInt64()} bytes) of its partition, from sequence 1 on.",
            "No cluster has ever confirmed an event of this outbox: look at the addresses, the credentials and the network.",
            "It may have been sent already in an earlier session: the next one asks the cluster, and sends what is missing (R3, R18).",
        ], Reasons(why));
    }

    [Fact]
    public async Task A_confirmed_event_tells_where_its_partition_stands()
    {
        List<PublishReceipt> receipts = await _story.PublishAsync(10);
        await _story.ConfirmAsync(receipts[0].Partition, 1, 4);

        JsonElement gone = await AskAsync(Name(receipts[1]));
        JsonElement next = await AskAsync(Name(receipts[4]));

        Assert.Equal("confirmed", gone.GetProperty("state").GetString());
        Assert.Contains(Reasons(gone), static r => r.Contains("sj.0192f3ab4c5d6e7f:103", StringComparison.Ordinal));
        Assert.Equal("waiting", next.GetProperty("state").GetString());
        Assert.Contains(Reasons(next), static r => r.StartsWith("It is the next of its partition", StringComparison.Ordinal));
        Assert.Contains(Reasons(next), static r => r.Contains("earlier session", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_refused_event_tells_the_clusters_words()
    {
        List<PublishReceipt> receipts = await _story.PublishAsync(3);
        await _story.RefuseAsync(receipts[0].Partition, 2, 2, "stream /fleet takes no more");

        JsonElement why = await AskAsync(Name(receipts[1]), ExitCode.Findings);

        Assert.Equal("refused", why.GetProperty("state").GetString());
        Assert.Contains("stream /fleet takes no more", Reasons(why)[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_event_that_can_never_be_sent_says_so()
    {
        List<PublishReceipt> receipts = await _story.PublishAsync(3);
        _story.Sql("UPDATE partitions SET events=0");

        JsonElement why = await AskAsync(Name(receipts[0]), ExitCode.Findings);

        Assert.Equal("stuck", why.GetProperty("state").GetString());
        Assert.Contains("count says that no event", Reasons(why)[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_way_to_name_an_event_leads_to_it()
    {
        List<PublishReceipt> receipts = await _story.PublishAsync(3);
        PublishReceipt second = receipts[1];
        long row = _story.Scalar("SELECT id FROM events ORDER BY id LIMIT 1 OFFSET 1");

        foreach (string name in new[] { Name(second), second.Identity.ToString(), $"{second.Identity.Epoch:x16}:2", $"{row}" })
        {
            Assert.Equal(Name(second), (await AskAsync(name)).GetProperty("event").GetString());
        }
    }

    [Fact]
    public async Task What_never_was_is_told()
    {
        List<PublishReceipt> receipts = await _story.PublishAsync(3);

        JsonElement late = await AskAsync($"{receipts[0].Partition}:4", ExitCode.Findings);
        JsonElement elsewhere = await AskAsync("/other#1:1", ExitCode.Findings);

        Assert.Equal("unknown", late.GetProperty("state").GetString());
        Assert.Contains("goes up to 3", Reasons(late)[0], StringComparison.Ordinal);
        Assert.Equal("unknown", elsewhere.GetProperty("state").GetString());
    }

    [Fact]
    public async Task A_running_client_is_noticed()
    {
        await using EventOutbox outbox = _story.Open();
        List<PublishReceipt> receipts = await OutboxStory.PublishAsync(outbox, 1);

        JsonElement why = await AskAsync(Name(receipts[0]));

        Assert.True(why.GetProperty("inUse").GetBoolean());
        Assert.DoesNotContain(Reasons(why), static r => r.StartsWith("No client", StringComparison.Ordinal));
        Assert.Contains(Reasons(why), static r => r.Contains("only the running client knows", StringComparison.Ordinal));
    }

    private static string Name(PublishReceipt receipt) => $"{receipt.Partition}:{receipt.Identity.Sequence}";

    private static string[] Reasons(JsonElement why) => [.. why.GetProperty("reasons").EnumerateArray().Select(static r => r.GetString()!)];

    private async Task<JsonElement> AskAsync(string name, ExitCode expected = ExitCode.Done)
    {
        CliRun run = await CliRun.RunAsync("outbox", "why", _story.File, name, "--json");
        Assert.True(expected == run.Code, run.ToString());
        return Assert.Single(run.Json);
    }
}
