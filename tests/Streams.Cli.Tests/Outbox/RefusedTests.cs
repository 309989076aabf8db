using System.Text.Json;
using Streams.Client;

namespace Streams.Cli.Tests;

public sealed class RefusedTests : IDisposable
{
    private readonly OutboxStory _story = new();

    public void Dispose() => _story.Dispose();

    [Fact]
    public async Task Retry_makes_a_new_event_of_the_same_content_behind_all_others()
    {
        List<PublishReceipt> receipts = await _story.PublishAsync(5);
        await _story.RefuseAsync(receipts[0].Partition, 2, 3, "no");
        long[] rows = [.. (await CliRun.GoodAsync("outbox", "refused", "list", _story.File, "--json")).Json
            .Select(static e => e.GetProperty("row").GetInt64())];
        Assert.Equal(2, rows.Length);

        CliRun retried = await CliRun.GoodAsync("outbox", "refused", "retry", _story.File, $"{rows[1]}", "--json");

        Assert.EndsWith(":6", retried.Json.Single().GetProperty("identity").GetString(), StringComparison.Ordinal);
        JsonElement[] waiting = [.. (await CliRun.GoodAsync("outbox", "export", _story.File)).Json];
        Assert.Equal(["car-1 1", "car-1 4", "car-1 5", "car-1 3"], waiting.Select(static e => e.GetProperty("payload").GetString()));
        Assert.Equal(1_700_000_000, waiting[^1].GetProperty("timestamp").GetDateTimeOffset().ToUnixTimeSeconds());
        Assert.Equal("km/h", waiting[^1].GetProperty("headers")[0].GetProperty("value").GetString());
        Assert.Equal(rows[0], Assert.Single((await CliRun.GoodAsync("outbox", "refused", "list", _story.File, "--json")).Json)
            .GetProperty("row").GetInt64());
        await CliRun.GoodAsync("outbox", "verify", _story.File);
    }

    [Fact]
    public async Task All_can_be_retried_or_discarded()
    {
        List<PublishReceipt> receipts = await _story.PublishAsync(6);
        await _story.RefuseAsync(receipts[0].Partition, 1, 3, "no");

        Assert.Equal(3, (await CliRun.GoodAsync("outbox", "refused", "retry", _story.File, "--all")).Lines.Length);
        await _story.RefuseAsync(receipts[0].Partition, 4, 5, "no");
        Assert.Equal(2, (await CliRun.GoodAsync("outbox", "refused", "discard", _story.File, "--all")).Lines.Length);

        Assert.Equal(0, _story.Scalar("SELECT count(*) FROM refused"));
        Assert.Equal(4, (await CliRun.GoodAsync("outbox", "export", _story.File)).Lines.Length);
        await CliRun.GoodAsync("outbox", "verify", _story.File);
    }

    [Fact]
    public async Task A_row_that_is_not_refused_is_a_finding()
    {
        await _story.PublishAsync(1);

        CliRun run = await CliRun.RunAsync("outbox", "refused", "discard", _story.File, "17");

        Assert.Equal(ExitCode.Findings, run.Code);
        Assert.Contains("no such event is refused", run.Out, StringComparison.Ordinal);
        Assert.Single((await CliRun.GoodAsync("outbox", "export", _story.File)).Lines);
    }

    [Fact]
    public async Task Rows_or_all_must_be_named()
    {
        await _story.PublishAsync(1);

        CliRun none = await CliRun.RunAsync("outbox", "refused", "discard", _story.File);
        CliRun both = await CliRun.RunAsync("outbox", "refused", "discard", _story.File, "17", "--all");

        Assert.All([none, both], static run => Assert.Equal(ExitCode.Usage, run.Code));
    }
}
