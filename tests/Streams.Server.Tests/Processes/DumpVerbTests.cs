using System.Text.Json;
using Streams.Core;
using Streams.Testing;

namespace Streams.Server.Tests;

/// <summary>The verb <c>dump</c> of the real program.</summary>
public sealed class DumpVerbTests : IAsyncLifetime, IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private string Data => _directory.Combine("sj");

    public async Task InitializeAsync()
    {
        await using RunningHost server = await RunningHost.StartAsync(RunningHost.OptionsIn(_directory));
        StreamPath fleet = StreamPath.Parse("/fleet");
        await server.Host.Store.EnsureStreamAsync(fleet, default);
        for (int i = 0; i < 5; i++)
        {
            await server.Host.Store.AppendPlainAsync(new StreamPartition(fleet, new PartitionId(i % 2)),
                new PlainEvent("ä \"t\""u8.ToArray(), default, default, default, i), default);
        }
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task It_prints_a_line_a_record()
    {
        (int code, IReadOnlyList<string> lines) = await RunAsync("dump", Data, "--lane", "/fleet#1@");

        Assert.Equal(0, code);
        Assert.Equal(2, lines.Count(l => l.Contains(" events ", StringComparison.Ordinal)));
        Assert.All(lines, l => Assert.Matches(@"^ *[0-9]+ (declared|opened|topics|events) +/fleet#1@sj\.[0-9a-f]{16} ", l));
        Assert.Contains(lines, l => l.Contains("topics=[ä \"t\"]", StringComparison.Ordinal));
    }

    [Fact]
    public async Task It_prints_json_and_as_many_as_were_asked_for()
    {
        (int code, IReadOnlyList<string> lines) = await RunAsync("dump", "--json", Data, "--max=6");

        Assert.Equal(0, code);
        Assert.Equal(6, lines.Count);
        long before = 0;
        foreach (string line in lines)
        {
            using JsonDocument record = JsonDocument.Parse(line);
            long position = record.RootElement.GetProperty("position").GetInt64();
            Assert.True(position > before, line);
            before = position;
            Assert.Equal("log-0000000000000000.seg", record.RootElement.GetProperty("segment").GetString());
        }
    }

    [Theory]
    [InlineData("streams: --segment 'x': there is no such segment in 'DATA'", "--segment", "x")]
    [InlineData("streams: --max 'x': must be a whole number", "--max", "x")]
    [InlineData("streams: --json: takes no value", "--json=1")]
    [InlineData("streams: --from: its value is missing", "--from")]
    public async Task Wrong_usage_ends_with_2(string expected, params string[] arguments)
    {
        (int code, IReadOnlyList<string> lines) = await RunAsync(["dump", Data, .. arguments]);

        Assert.Equal(2, code);
        Assert.Equal([expected.Replace("DATA", Data, StringComparison.Ordinal)], lines);
    }

    private static async Task<(int Code, IReadOnlyList<string> Lines)> RunAsync(params string[] arguments)
    {
        await using ChildProcess program = ChildProcess.Start(
            Repository.DotnetHost, [Repository.BuiltProgram("server/Streams.Server"), .. arguments]);
        int code = await program.WaitForExitAsync();
        return (code, program.Lines);
    }
}
