using System.Text;
using Streams.Core;
using Streams.Gateways;
using Streams.Testing;

namespace Streams.Server.Tests;

/// <summary>The verb <c>verify</c> of the real program, over the data directory of a real server.</summary>
public sealed class VerifyVerbTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private string Data => _directory.Combine("sj");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task It_finds_good_data_good_while_the_server_runs_and_after()
    {
        await using (RunningHost server = await FilledAsync())
        {
            Assert.Equal(0, (await RunAsync("verify", Data)).Code);
        }

        (int code, IReadOnlyList<string> lines) = await RunAsync("verify", Data);

        Assert.True(code == 0, string.Join('\n', lines));
        Assert.Matches("^file +bytes +records +entries +events +lanes +state$", lines[0].TrimEnd());
        foreach (string file in (string[])["identity", "catalog.json", "sj.witness", "c0/log-0000000000000000.seg", "c0/state.db"])
        {
            Assert.Contains(lines, l => l.StartsWith(file + " ", StringComparison.Ordinal)
                && l.Contains(" good", StringComparison.Ordinal));
        }

        Assert.Matches("^good: [0-9]+ bytes, [0-9]+ entries, 20 events$", lines[^1]);
        Assert.Equal(0, (await RunAsync("verify", Path.Combine(Data, "c0"))).Code);
    }

    [Theory]
    [InlineData("c0/log-0000000000000000.seg", 200, "DAMAGE c0/log-0000000000000000.seg at ")]
    [InlineData("catalog.json", 60, "DAMAGE catalog.json: ")]
    [InlineData("identity", 25, "DAMAGE identity: ")]
    [InlineData("../sj.witness", 60, "DAMAGE sj.witness: ")]
    public async Task Damage_is_named_with_its_place_and_ends_with_1(string file, int at, string expected)
    {
        await using (await FilledAsync())
        {
        }

        Flip(Path.Combine(Data, file), at);
        (int code, IReadOnlyList<string> lines) = await RunAsync("verify", Data);

        Assert.Equal(1, code);
        Assert.Contains(lines, l => l.StartsWith(expected, StringComparison.Ordinal));
        Assert.StartsWith("DAMAGED: ", lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_log_that_lost_what_the_witness_saw_is_damaged()
    {
        await using (await FilledAsync())
        {
        }

        foreach (string file in Directory.GetFiles(Path.Combine(Data, "c0")))
        {
            File.Delete(file);
        }

        (int code, IReadOnlyList<string> lines) = await RunAsync("verify", Data);

        Assert.Equal(1, code);
        Assert.Contains(lines, l => l.StartsWith("DAMAGE witness: it saw ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("streams: verify: name the data directory, as in 'verify ./streams-data'", "verify")]
    [InlineData("streams: '/nowhere/at/all': there is no such directory", "verify", "/nowhere/at/all")]
    [InlineData("streams: --fix: unknown option of verify, see --help", "verify", "/nowhere", "--fix")]
    [InlineData("streams: 'b': given twice, it may stand once", "verify", "a", "b")]
    public async Task Wrong_usage_ends_with_2(string expected, params string[] arguments)
    {
        (int code, IReadOnlyList<string> lines) = await RunAsync(arguments);

        Assert.Equal(2, code);
        Assert.Equal([expected], lines);
    }

    [Fact]
    public async Task A_folder_of_something_else_is_wrong_usage()
    {
        (int code, IReadOnlyList<string> lines) = await RunAsync("verify", _directory.CreateDirectory("other"));

        Assert.Equal(2, code);
        Assert.Equal([$"streams: '{_directory.Combine("other")}' is no data directory of Streams, and no container"], lines);
    }

    private static void Flip(string path, long at)
    {
        byte[] bytes = File.ReadAllBytes(path);
        bytes[at] ^= 1;
        File.WriteAllBytes(path, bytes);
    }

    private static async Task<(int Code, IReadOnlyList<string> Lines)> RunAsync(params string[] arguments)
    {
        await using ChildProcess program = ChildProcess.Start(
            Repository.DotnetHost, [Repository.BuiltProgram("server/Streams.Server"), .. arguments]);
        int code = await program.WaitForExitAsync();
        return (code, program.Lines);
    }

    private async Task<RunningHost> FilledAsync()
    {
        RunningHost server = await RunningHost.StartAsync(RunningHost.OptionsIn(_directory));
        StreamPath fleet = StreamPath.Parse("/fleet");
        IEventStore store = server.Host.Store;
        await store.EnsureStreamAsync(fleet, default);
        for (int i = 0; i < 20; i++)
        {
            await store.AppendPlainAsync(new StreamPartition(fleet, new PartitionId(0)), Plain(i), default);
        }

        return server;
    }

    private static PlainEvent Plain(int i) => new("t"u8.ToArray(), default, default, Encoding.UTF8.GetBytes($"payload {i}"), i);
}
