using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading.Channels;
using Streams.Mqtt;
using Streams.Testing;

namespace Streams.EdgeAgent.Tests;

/// <summary>The agent as a process of its own, as a service manager runs it.</summary>
public sealed partial class AgentProcessTests : IDisposable
{
    private readonly TemporaryDirectory _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task What_was_acknowledged_outlives_kill_9()
    {
        Write();
        ChildProcess first = Start();
        await using (first)
        {
            int port = await PortAsync(first);
            (MqttClientConnection panel, _) = await AgentScene.ConnectAsync(port, "panel", keeps: true);
            await AgentScene.SubscribeAsync(panel, "plant/#");
            await panel.DisposeAsync();
            (MqttClientConnection press, _) = await AgentScene.ConnectAsync(port, "press-1");
            Task<MqttReasonCode>[] published =
                [.. Enumerable.Range(0, 200).Select(i => AgentScene.PublishAsync(press, "plant/press-1/count", $"{i}"))];
            await Task.WhenAll(published);
            await first.KillAsync();
            await press.DisposeAsync();
        }

        await using ChildProcess second = Start();
        (MqttClientConnection again, ChannelReader<string> given) =
            await AgentScene.ConnectAsync(await PortAsync(second), "panel", keeps: true);
        for (int i = 0; i < 200; i++)
        {
            Assert.Equal($"plant/press-1/count: {i}", await AgentScene.NextAsync(given));
        }

        await again.DisposeAsync();
        Assert.Equal(0, await second.TerminateAsync());
    }

    [Fact]
    public async Task What_was_acknowledged_goes_up_once_though_the_agent_is_killed_and_orders_come_down_to_its_devices()
    {
        await using ServerProcess cluster = await ServerProcess.StartHealthyAsync(
            new ServerProcessOptions { ClusterName = "sj", DataDirectory = _folder.Combine("sj") });
        Write($$""", "clusters": { "to": [ "sj=127.0.0.1:{{cluster.Options.MqttPort}}" ], """
            + """ "up": [ "/plant" ], "down": [ { "stream": "/orders" } ] } """);
        (MqttClientConnection office, _) = await AgentScene.ConnectAsync(cluster.Options.MqttPort, "office");
        (MqttClientConnection reader, ChannelReader<string> read) = await AgentScene.ConnectAsync(cluster.Options.MqttPort, "reader");
        await AgentScene.SubscribeAsync(reader, "plant/#");
        List<string> got = [];
        for (int life = 0; life < 3; life++)
        {
            await using ChildProcess agent = Start();
            (MqttClientConnection press, ChannelReader<string> given) = await AgentScene.ConnectAsync(await PortAsync(agent), "press-1");
            await AgentScene.SubscribeAsync(press, "orders/#");
            await Task.WhenAll(Enumerable.Range(life * 100, 100)
                .Select(i => AgentScene.PublishAsync(press, "plant/press-1/count", $"{i}")));
            await AgentScene.PublishAsync(office, "orders/press-1", $"order {life}");
            Assert.Equal($"orders/press-1: order {life}", await AgentScene.NextAsync(given));
            await agent.KillAsync();
            await press.DisposeAsync();
        }

        await using ChildProcess last = Start();
        await PortAsync(last);
        for (int i = 0; i < 300; i++)
        {
            got.Add(await AgentScene.NextAsync(read));
        }

        Assert.Equal(Enumerable.Range(0, 300).Select(i => $"plant/press-1/count: {i}"), got);
        await office.DisposeAsync();
        await reader.DisposeAsync();
        Assert.Equal(0, await last.TerminateAsync());
    }

    [Fact]
    public async Task Faults_of_the_clusters_are_told_with_their_places()
    {
        Write(""", "clusters": { "to": [ "sj" ], "up": [ "plant" ], "key": "k", """
            + """ "down": [ { "stream": "/orders", "filters": [ "a#" ] } ] } """);
        (int code, _, string errors) = await RunAsync("", "check", Configuration);
        Assert.Equal(2, code);
        foreach (string at in (string[])["clusters.to[0]", "clusters.up[0]", "clusters.down[0].filters[0]", "clusters.key"])
        {
            Assert.Contains($"streams-edge: {at}: ", errors, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_service_manager_is_told_when_it_is_ready_alive_and_stops()
    {
        Write();
        using Socket manager = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        string path = _folder.Combine("notify");
        manager.Bind(new UnixDomainSocketEndPoint(path));
        await using ChildProcess agent = Start(new Dictionary<string, string?> { ["NOTIFY_SOCKET"] = path, ["WATCHDOG_USEC"] = "200000" });

        await ToldAsync(manager, "READY=1\nSTATUS=ready: agent plant-7");
        await ToldAsync(manager, "WATCHDOG=1");
        Task<int> ended = agent.TerminateAsync();
        await ToldAsync(manager, "STOPPING=1");

        Assert.Equal(0, await ended);
    }

    [Fact]
    public async Task Asked_by_SIGHUP_it_reads_its_configuration_again()
    {
        Write();
        await using ChildProcess agent = Start();
        await PortAsync(agent);

        Write(""", "access": { "rules": [ { "subscribe": ["#"] } ] } """);
        using (System.Diagnostics.Process kill = System.Diagnostics.Process.Start(
            "kill", ["-HUP", agent.Id.ToString(CultureInfo.InvariantCulture)]))
        {
            await kill.WaitForExitAsync();
        }

        await agent.WaitForLineAsync(line => line.Contains("0 users and 1 rules", StringComparison.Ordinal), "the reload");
        Assert.Equal(0, await agent.TerminateAsync());
    }

    [Fact]
    public async Task What_is_run_before_the_first_start_runs_once_and_may_write_the_configuration()
    {
        string script = _folder.Combine("first-boot");
        await File.WriteAllTextAsync(script, """
            #!/bin/sh
            echo "for $STREAMS_EDGE_DATA"
            sed -i 's/plant-7/plant-8/' "$STREAMS_EDGE_CONFIG"
            """);
        Write($$""", "provision": { "command": [ "/bin/sh", "{{script}}" ] } """);
        await using (ChildProcess agent = Start())
        {
            await agent.WaitForLineAsync(l => l.StartsWith("ready: agent plant-8", StringComparison.Ordinal), "the ready line");
            Assert.Contains(agent.Lines, l => l.Contains($"for {_folder.Combine("data")}", StringComparison.Ordinal));
            Assert.Equal(0, await agent.TerminateAsync());
        }

        File.Delete(script);
        await using ChildProcess again = Start();
        await PortAsync(again);
    }

    [Fact]
    public async Task A_first_boot_program_that_fails_is_told_and_run_again_at_the_next_start()
    {
        Write(""", "provision": { "command": [ "/bin/false" ] } """);
        for (int i = 0; i < 2; i++)
        {
            await using ChildProcess agent = Start();
            Assert.Equal(1, await agent.WaitForExitAsync());
            Assert.Contains("streams-edge: provision: /bin/false ended with 1, it must end with 0", agent.Lines);
        }
    }

    [Fact]
    public async Task A_configuration_is_checked_without_starting()
    {
        Write();
        Assert.Equal((0, $"{Configuration}: good. agent plant-7, 1 listeners, 0 users, no access rules: who is let in may do everything\n",
            ""), await RunAsync("", "check", Configuration));
        Write(""", "lisner": 1 """);
        (int code, string output, string errors) = await RunAsync("", "check", Configuration);
        Assert.Equal((2, ""), (code, output));
        Assert.StartsWith("streams-edge: lisner: unknown, known here are name, data,", errors, StringComparison.Ordinal);
        Assert.Equal(2, (await RunAsync("", "check", _folder.Combine("none.json"))).Code);
        Assert.Equal(2, (await RunAsync("", "serve")).Code);
    }

    [Fact]
    public async Task A_password_becomes_a_hash_that_a_configuration_takes()
    {
        (int code, string output, _) = await RunAsync("secret\n", "password");

        Assert.Equal(0, code);
        Assert.True(Gateways.PasswordHash.TryParse(output.TrimEnd(), out Gateways.PasswordHash? hash, out _));
        Assert.True(hash!.Fits("secret"u8));
        Assert.Equal(2, (await RunAsync("", "password")).Code);
    }

    private string Configuration => _folder.Combine("agent.json");

    private static async Task<(int Code, string Output, string Errors)> RunAsync(string input, params string[] arguments)
    {
        using StringReader reader = new(input);
        using StringWriter output = new() { NewLine = "\n" };
        using StringWriter errors = new() { NewLine = "\n" };
        int code = await AgentProgram.RunAsync(arguments, reader, output, errors);
        return (code, output.ToString(), errors.ToString());
    }

    private static async Task<int> PortAsync(ChildProcess agent)
    {
        string ready = await agent.WaitForLineAsync(l => l.StartsWith("ready: ", StringComparison.Ordinal), "the ready line");
        return int.Parse(DevicesPort().Match(ready).Groups[1].Value, CultureInfo.InvariantCulture);
    }

    private static async Task ToldAsync(Socket manager, string begin)
    {
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(30));
        byte[] buffer = new byte[4096];
        while (true)
        {
            int length = await manager.ReceiveAsync(buffer, limit.Token);
            if (Encoding.UTF8.GetString(buffer, 0, length).StartsWith(begin, StringComparison.Ordinal))
            {
                return;
            }
        }
    }

    private void Write(string more = "") => File.WriteAllText(Configuration, $$"""
        { "name": "plant-7", "data": "data", "http": "off",
          "listeners": [ { "name": "devices", "address": "127.0.0.1:0" } ]{{more}} }
        """);

    private ChildProcess Start(IReadOnlyDictionary<string, string?>? environment = null) => ChildProcess.Start(
        Repository.DotnetHost, [Repository.BuiltProgram("edge-agent/Streams.EdgeAgent"), "run", Configuration], environment: environment);

    [GeneratedRegex("devices 127\\.0\\.0\\.1:([0-9]+)")]
    private static partial Regex DevicesPort();
}
