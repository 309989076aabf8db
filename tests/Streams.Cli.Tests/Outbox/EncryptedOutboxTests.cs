using Microsoft.Extensions.Logging.Abstractions;
using Streams.Client;

namespace Streams.Cli.Tests;

public sealed class EncryptedOutboxTests : IDisposable
{
    private static readonly byte[] Key = [.. Enumerable.Range(1, 32).Select(static i => (byte)i)];
    private readonly OutboxStory _story = new();

    public void Dispose() => _story.Dispose();

    [Fact]
    public async Task Without_the_keys_it_is_said_that_events_are_encrypted_and_with_them_they_are_shown()
    {
        await MakeAsync();
        string keys = _story.Combine("keys");
        File.WriteAllText(keys, $"# ours\nk2={Convert.ToBase64String(new byte[32])}\nk1={Convert.ToHexString(Key)}\n");

        CliRun inspected = await CliRun.GoodAsync("outbox", "inspect", _story.File);
        CliRun closed = await CliRun.RunAsync("outbox", "export", _story.File);
        CliRun opened = await CliRun.GoodAsync("outbox", "export", _story.File, "--outbox-keys", keys);
        CliRun refused = await CliRun.GoodAsync("outbox", "refused", "list", _story.File);
        CliRun shown = await CliRun.GoodAsync("outbox", "refused", "list", _story.File, "--outbox-keys", keys, "--json");

        Assert.Contains("encrypted under key k1: 2 of those that wait", inspected.Lines);
        Assert.Equal(ExitCode.Findings, closed.Code);
        Assert.Contains("2 events are encrypted", closed.Error, StringComparison.Ordinal);
        Assert.All(closed.Json, static line => Assert.True(line.GetProperty("encrypted").GetBoolean()));
        Assert.DoesNotContain("car-1 2", string.Concat(closed.Lines), StringComparison.Ordinal);
        Assert.Equal(["car-1 2", "car-1 3"], opened.Json.Select(static line => line.GetProperty("payload").GetString()));
        Assert.Contains("encrypted", refused.Lines[0], StringComparison.Ordinal);
        Assert.Equal("car-1 1", shown.Json.Single().GetProperty("payload").GetString());
    }

    [Fact]
    public async Task Verify_and_repair_need_no_keys_and_a_retry_without_them_names_the_key()
    {
        await MakeAsync();
        await CliRun.GoodAsync("outbox", "verify", _story.File);
        await CliRun.GoodAsync("outbox", "repair", _story.File);
        CliRun retried = await CliRun.RunAsync("outbox", "refused", "retry", _story.File, "--all");
        Assert.Contains("sealed under the key 'k1'", retried.Error, StringComparison.Ordinal);

        string keys = _story.Combine("keys");
        File.WriteAllText(keys, $"k1={Convert.ToHexString(Key)}");
        await CliRun.GoodAsync("outbox", "refused", "retry", _story.File, "--all", "--outbox-keys", keys);
        CliRun opened = await CliRun.GoodAsync("outbox", "export", _story.File, "--outbox-keys", keys);
        Assert.Equal(["car-1 2", "car-1 3", "car-1 1"], opened.Json.Select(static line => line.GetProperty("payload").GetString()));
    }

    [Theory]
    [InlineData("k1", "must be ID=KEY")]
    [InlineData("k1=abc", "must be ID=KEY")]
    [InlineData("", "it has no keys")]
    public async Task A_file_of_keys_that_is_faulty_is_named_with_the_line(string text, string told)
    {
        await MakeAsync();
        string keys = _story.Combine("keys");
        File.WriteAllText(keys, text);
        CliRun run = await CliRun.RunAsync("outbox", "refused", "retry", _story.File, "--all", "--outbox-keys", keys);
        Assert.Equal(ExitCode.Usage, run.Code);
        Assert.Contains(told, run.Error, StringComparison.Ordinal);
    }

    private async Task MakeAsync()
    {
        await using EventOutbox outbox = EventOutbox.Open(_story.File, 64 << 20, TimeProvider.System, new Random(1), NullLogger.Instance,
            encryption: new OutboxEncryption("k1", static _ => Key));
        List<PublishReceipt> receipts = await OutboxStory.PublishAsync(outbox, 3);
        await outbox.WriteAsync(new ParkOperation(receipts[0].Partition, 1, 1, "no"));
        await outbox.RunAsync(static _ => 0);
    }
}
