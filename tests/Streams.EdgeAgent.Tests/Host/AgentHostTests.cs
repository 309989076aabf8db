using System.Net;
using System.Text.Json;
using System.Threading.Channels;
using Streams.Core;
using Streams.Gateways;
using Streams.Mqtt;
using Streams.Testing;

namespace Streams.EdgeAgent.Tests;

public sealed class AgentHostTests
{
    [Fact]
    public async Task Devices_talk_to_each_other_without_any_cluster()
    {
        await using AgentScene scene = await AgentScene.StartAsync();
        (MqttClientConnection press, _) = await scene.ConnectAsync("press-1");
        (MqttClientConnection panel, ChannelReader<string> given) = await scene.ConnectAsync("panel", listener: "web");
        Assert.Equal(MqttReasonCode.GrantedQos1, await AgentScene.SubscribeAsync(panel, "plant/+/temp"));

        Assert.Equal(MqttReasonCode.Success, await AgentScene.PublishAsync(press, "plant/press-1/temp", "80"));

        Assert.Equal("plant/press-1/temp: 80", await AgentScene.NextAsync(given));
    }

    [Fact]
    public async Task What_is_retained_and_what_a_session_waits_for_outlives_a_restart()
    {
        await using AgentScene scene = await AgentScene.StartAsync();
        (MqttClientConnection panel, _) = await scene.ConnectAsync("panel", keeps: true);
        await AgentScene.SubscribeAsync(panel, "plant/#");
        await panel.DisposeAsync();
        (MqttClientConnection press, _) = await scene.ConnectAsync("press-1");
        await AgentScene.PublishAsync(press, "plant/press-1/state", "up", retain: true);
        await AgentScene.PublishAsync(press, "plant/press-1/temp", "80");
        Origin before = scene.Host.Store.Origin;

        await scene.Host.DisposeAsync();
        await scene.StartAsync();

        Assert.Equal(before, scene.Host.Store.Origin);
        (MqttClientConnection again, ChannelReader<string> given) = await scene.ConnectAsync("panel", keeps: true);
        Assert.True(again.Connack.SessionPresent);
        string[] came = [await AgentScene.NextAsync(given), await AgentScene.NextAsync(given)];
        Assert.Equal(["plant/press-1/state: up", "plant/press-1/temp: 80"], came.Order());
        (MqttClientConnection late, ChannelReader<string> retained) = await scene.ConnectAsync("late");
        await AgentScene.SubscribeAsync(late, "plant/press-1/#");
        Assert.Equal("plant/press-1/state: up", await AgentScene.NextAsync(retained));
    }

    [Fact]
    public async Task Users_and_rules_count_and_are_replaced_while_devices_are_connected()
    {
        string hash = PasswordHash.Of("right"u8, 1000).ToString();
        string users = $$""", "access": { "users": [ { "name": "press-1", "password": "{{hash}}" } ], "rules": [ """;
        await using AgentScene scene = await AgentScene.StartAsync(
            users + """{ "user": "press-1", "publish": ["plant/%u/#"] } ] }""", """, "signIn": "password" """);
        (MqttClientConnection press, _) = await scene.ConnectAsync("press-1", user: "press-1", password: "right");

        Assert.Equal(MqttReasonCode.Success, await AgentScene.PublishAsync(press, "plant/press-1/temp", "80"));
        Assert.Equal(MqttReasonCode.NotAuthorized, await AgentScene.PublishAsync(press, "plant/press-2/temp", "80"));
        await Assert.ThrowsAsync<MqttConnectRefusedException>(
            () => scene.ConnectAsync("press-1", user: "press-1", password: "wrong"));
        await Assert.ThrowsAsync<MqttConnectRefusedException>(() => scene.ConnectAsync("nobody"));

        scene.Write(users + """{ "user": "press-1", "publish": ["plant/press-2/#"] } ] }""", """, "signIn": "password" """);
        IReadOnlyList<string> parts = await scene.Host.ApplyAsync(
            AgentConfiguration.Load(scene.Configuration, DateTimeOffset.UnixEpoch));

        Assert.Empty(parts);
        Assert.Equal(MqttReasonCode.NotAuthorized, await AgentScene.PublishAsync(press, "plant/press-1/temp", "80"));
        Assert.Equal(MqttReasonCode.Success, await AgentScene.PublishAsync(press, "plant/press-2/temp", "80"));
    }

    [Fact]
    public async Task Routes_are_replaced_while_devices_are_connected_and_a_faulty_file_keeps_those_in_use()
    {
        const string Clusters = """, "clusters": { "to": ["sj=127.0.0.1:1"] }, "routes": [ """;
        await using AgentScene scene = await AgentScene.StartAsync(Clusters + """{ "filter": "plant/+/t", "policy": "keepLatest" } ]""");
        (MqttClientConnection press, _) = await scene.ConnectAsync("press-1");
        (MqttClientConnection panel, ChannelReader<string> given) = await scene.ConnectAsync("panel");
        await AgentScene.SubscribeAsync(panel, "plant/#");
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(MqttReasonCode.Success, await AgentScene.PublishAsync(press, "plant/press-1/t", $"{i}"));
            Assert.Equal($"plant/press-1/t: {i}", await AgentScene.NextAsync(given));
        }

        Assert.Contains("/t\",\"events\":1,", (await scene.GetAsync("/api/v1/status")).Text, StringComparison.Ordinal);
        Assert.Matches("streams_agent_route_dropped_total\\{.*superseded.*\\} 2",
            (await scene.GetAsync("/metrics")).Text);

        VirtualTime time = new();
        await using ConfigurationKeeper keeper = new(scene.Configuration, scene.Host.ApplyAsync, time, scene.Log.CreateLogger("keeper"));
        scene.Write(Clusters + """{ "filter": "plant/#/t", "policy": "reject" } ]""");
        keeper.Ask();
        await Eventually.TrueAsync(() => Logged("routes[0].policy: needs routes[0].maxBytes"), "the faulty file is told of");
        Assert.True(Logged("routes[0].filter: 'plant/#/t'"));
        await AgentScene.PublishAsync(press, "plant/press-1/t", "3");
        Assert.Equal([("plant/+/t", 1L)], scene.Host.Store.Routes.Select(r => (r.Name, r.Events)));

        scene.Write(Clusters + """{ "filter": "plant/#", "name": "all" } ]""");
        keeper.Ask();
        await Eventually.TrueAsync(() => Logged("1 routes"), "the good file is taken");
        await AgentScene.PublishAsync(press, "plant/press-1/t", "4");
        await AgentScene.PublishAsync(press, "plant/press-1/t", "5");
        Assert.Equal([("plant/+/t", 1L), ("all", 2L)], scene.Host.Store.Routes.Select(r => (r.Name, r.Events)));

        bool Logged(string text) => scene.Log.Logs.Text.Contains(text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_changed_file_is_taken_and_a_faulty_one_is_not()
    {
        await using AgentScene scene = await AgentScene.StartAsync();
        VirtualTime time = new();
        List<AgentOptions> taken = [];
        ConfigurationKeeper keeper = new(scene.Configuration, next =>
        {
            taken.Add(next);
            return scene.Host.ApplyAsync(next);
        }, time, scene.Log.CreateLogger("keeper"));
        await using (keeper)
        {
            scene.Write(""", "access": { "rules": [ { "publish": ["a/#/b"] } ] } """);
            await Eventually.TrueWhileAdvancingAsync(
                time, ConfigurationKeeper.Interval, () => Logged("is not taken"), "the faulty file is told of");
            Assert.Empty(taken);
            Assert.True(Logged("access.rules[0].publish[0]: 'a/#/b'"));

            scene.Write(""", "limits": { "connections": 7 }, "access": { "rules": [ { "publish": ["a/#"] } ] } """);
            await Eventually.TrueWhileAdvancingAsync(
                time, ConfigurationKeeper.Interval, () => Logged("counts only after a restart: limits"), "the good file is taken");
            Assert.Equal("a/#", Assert.Single(taken).Access.Rules!.Value[0].Publish[0].ToString());
        }

        bool Logged(string text) => scene.Log.Logs.Text.Contains(text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_tells_programs_and_people_how_it_is()
    {
        await using AgentScene scene = await AgentScene.StartAsync();
        (MqttClientConnection press, _) = await scene.ConnectAsync("press-1");
        await AgentScene.PublishAsync(press, "plant/press-1/temp", "80");

        Assert.Equal((HttpStatusCode.OK, """{"status":"ready"}"""), await scene.GetAsync("/health"));
        string metrics = (await scene.GetAsync("/metrics")).Text;
        Assert.Contains("\nstreams_agent_ready 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains("\nstreams_agent_store_events 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains("\nstreams_gateway_connections 1\n", metrics, StringComparison.Ordinal);
        using JsonDocument status = JsonDocument.Parse((await scene.GetAsync("/api/v1/status")).Text);
        Assert.Equal(("plant-7", 1L, 1L), (status.RootElement.GetProperty("agent").GetString(),
            status.RootElement.GetProperty("connections").GetInt64(), status.RootElement.GetProperty("eventsTaken").GetInt64()));
        string page = (await scene.GetAsync("/")).Text;
        Assert.Contains("plant-7", page, StringComparison.Ordinal);
        Assert.Contains("<svg", page, StringComparison.Ordinal);
        Assert.DoesNotContain("http://", page, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotFound, (await scene.GetAsync("/nothing")).Code);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await scene.GetAsync("/health", HttpMethod.Post)).Code);
    }

    [Fact]
    public async Task A_port_in_use_is_a_clear_fault_and_leaves_nothing_open()
    {
        await using AgentScene scene = await AgentScene.StartAsync();
        int port = scene.Host.Listening[0].At.Port;
        AgentOptions options = scene.Host.Options with { DataDirectory = scene.Folder.Combine("other") };
        options = options with
        {
            Store = options.Store with { Path = scene.Folder.Combine("other", "agent.db") },
            Listeners = [options.Listeners[0] with { Address = new ListenAddress(IPAddress.Loopback, port) }],
        };

        CollectingLoggerProvider log = new();                // the web server, too, tells of it
        TryAgainException fault = await Assert.ThrowsAsync<TryAgainException>(
            () => AgentHost.StartAsync(options, TimeProvider.System, new Random(8), log, default));

        Assert.Contains($"devices 127.0.0.1:{port}: the port is in use", fault.Message, StringComparison.Ordinal);
        await using AgentHost second = await AgentHost.StartAsync(
            options with { Listeners = [options.Listeners[0] with { Address = new ListenAddress(IPAddress.Loopback, 0) }] },
            TimeProvider.System, new Random(8), log, default);
    }
}
