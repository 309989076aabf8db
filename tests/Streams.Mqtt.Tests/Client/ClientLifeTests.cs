namespace Streams.Mqtt.Tests;

public class ClientLifeTests
{
    [Fact]
    public async Task Connect_says_what_the_options_say_and_gives_the_answer_back()
    {
        MqttClientOptions options = new()
        {
            ClientId = "dev",
            CleanStart = false,
            SessionExpirySeconds = 3600,
            ReceiveMaximum = 7,
            MaximumPacketSize = 5000,
            KeepAlive = TimeSpan.FromSeconds(30),
            UserName = "u",
            Password = [1, 2],
            UserProperties = [new("a", "1"), new("a", "2")],
            Will = new MqttWill { Topic = "gone", Payload = "x"u8.ToArray() },
        };
        await using ScriptedServer server = new(options);
        await using MqttClientConnection client = await server.Accept(new MqttConnackPacket
        {
            SessionPresent = true,
            Properties = new MqttProperties { AssignedClientIdentifier = "given" }.Add("cluster", "sj"),
        });
        MqttConnectPacket connect = server.Connect!;
        Assert.Equal(("dev", false, (ushort)30, "u"), (connect.ClientId, connect.CleanStart, connect.KeepAliveSeconds, connect.UserName));
        Assert.Equal([1, 2], connect.Password!);
        Assert.Equal("gone", connect.Will!.Topic);
        MqttProperties properties = connect.Properties!;
        Assert.Equal(3600u, properties.SessionExpiryInterval);
        Assert.Equal((ushort)7, properties.ReceiveMaximum);
        Assert.Equal(5000u, properties.MaximumPacketSize);
        Assert.Equal([new("a", "1"), new("a", "2")], properties.UserProperties);
        Assert.True(client.Connack.SessionPresent);
        Assert.Equal("given", client.ClientId);
        Assert.Equal("sj", client.Connack.Properties!.FirstUserValue("cluster"));
    }

    [Fact]
    public async Task A_refusal_is_told_with_its_code()
    {
        await using ScriptedServer server = new();
        Task<MqttClientConnection> connecting = server.Start();
        await server.Hear<MqttConnectPacket>();
        await server.Say(
            new MqttConnackPacket
            {
                ReasonCode = MqttReasonCode.NotAuthorized,
                Properties = new MqttProperties { ReasonString = "who?" },
            });
        MqttConnectRefusedException e = await Assert.ThrowsAsync<MqttConnectRefusedException>(() => connecting.Soon());
        Assert.Equal(MqttReasonCode.NotAuthorized, e.ReasonCode);
        Assert.Contains("who?", e.Message, StringComparison.Ordinal);
        await server.HearEnd();
    }

    [Fact]
    public async Task Anything_but_connack_ends_the_attempt()
    {
        await using ScriptedServer server = new();
        Task<MqttClientConnection> connecting = server.Start();
        await server.Hear<MqttConnectPacket>();
        await server.Say(MqttPingrespPacket.Instance);
        await Assert.ThrowsAsync<MqttProtocolException>(() => connecting.Soon());
    }

    [Fact]
    public async Task An_extended_authentication_goes_back_and_forth()
    {
        await using ScriptedServer server = new(new MqttClientOptions
        {
            AuthenticationMethod = "sum",
            AuthenticationData = [1],
            KeepAlive = TimeSpan.Zero,
            Authenticate = auth => ValueTask.FromResult(new MqttAuthPacket
            {
                ReasonCode = MqttReasonCode.ContinueAuthentication,
                Properties = new MqttProperties
                {
                    AuthenticationMethod = "sum",
                    AuthenticationData = [(byte)(auth.Properties!.AuthenticationData![0] + 1)],
                },
            }),
        });
        Task<MqttClientConnection> connecting = server.Start();
        Assert.Equal([1], (await server.Hear<MqttConnectPacket>()).Properties!.AuthenticationData!);
        await server.Say(new MqttAuthPacket
        {
            ReasonCode = MqttReasonCode.ContinueAuthentication,
            Properties = new MqttProperties { AuthenticationMethod = "sum", AuthenticationData = [41] },
        });
        Assert.Equal([42], (await server.Hear<MqttAuthPacket>()).Properties!.AuthenticationData!);
        await server.Say(new MqttConnackPacket());
        await (await connecting.Soon()).DisposeAsync();
    }

    [Fact]
    public async Task Subscribe_and_unsubscribe_complete_with_their_answers()
    {
        await using ScriptedServer server = new();
        await using MqttClientConnection client = await server.Accept();
        Task<MqttSubackPacket> subscribing = client.SubscribeAsync(
            [new("a"), new("b", MqttQos.AtLeastOnce)], new MqttProperties().AddSubscription(5));
        MqttSubscribePacket subscribe = await server.Hear<MqttSubscribePacket>();
        Assert.Equal([5u], subscribe.Properties!.SubscriptionIdentifiers);
        await server.Say(
            new MqttSubackPacket { PacketId = subscribe.PacketId, ReasonCodes = [MqttReasonCode.Success, MqttReasonCode.NotAuthorized] });
        Assert.Equal([MqttReasonCode.Success, MqttReasonCode.NotAuthorized], (await subscribing.Soon()).ReasonCodes);
        Task<MqttUnsubackPacket> unsubscribing = client.UnsubscribeAsync(["a"]);
        MqttUnsubscribePacket unsubscribe = await server.Hear<MqttUnsubscribePacket>();
        await server.Say(new MqttUnsubackPacket { PacketId = unsubscribe.PacketId, ReasonCodes = [MqttReasonCode.NoSubscriptionExisted] });
        Assert.Equal([MqttReasonCode.NoSubscriptionExisted], (await unsubscribing.Soon()).ReasonCodes);

        subscribing = client.SubscribeAsync([new("a")]);
        subscribe = await server.Hear<MqttSubscribePacket>();
        await server.Say(
            new MqttSubackPacket { PacketId = subscribe.PacketId, ReasonCodes = [MqttReasonCode.Success, MqttReasonCode.Success] });
        await Assert.ThrowsAsync<MqttConnectionClosedException>(() => subscribing.Soon());
    }

    [Fact]
    public async Task Version_311_works_the_same_without_properties()
    {
        await using ScriptedServer server = new(
            new MqttClientOptions { Version = MqttVersion.V311, ClientId = "c", KeepAlive = TimeSpan.Zero });
        await using MqttClientConnection client = await server.Accept();
        Assert.Equal(MqttVersion.V311, server.Wire.Version);
        Task<MqttUnsubackPacket> unsubscribing = client.UnsubscribeAsync(["a", "b"]);
        await server.Say(new MqttUnsubackPacket { PacketId = (await server.Hear<MqttUnsubscribePacket>()).PacketId });
        Assert.Empty((await unsubscribing.Soon()).ReasonCodes);
        Task<MqttPublishResult> publishing = client.PublishAsync(
            "a", default, MqttQos.AtLeastOnce, properties: new MqttProperties().Add("dropped", ""));
        MqttPublishPacket publish = await server.Hear<MqttPublishPacket>();
        Assert.Null(publish.Properties);
        await server.Say(new MqttPubackPacket { PacketId = publish.PacketId });
        Assert.True((await publishing.Soon()).IsSuccess);
        await client.DisposeAsync();
        await server.Hear<MqttDisconnectPacket>();
    }

    [Fact]
    public async Task Disposing_says_disconnect_and_fails_what_waits()
    {
        await using ScriptedServer server = new();
        MqttClientConnection client = await server.Accept();
        Task<MqttPublishResult> publishing = client.PublishAsync("a", default, MqttQos.AtLeastOnce);
        Task<MqttSubackPacket> subscribing = client.SubscribeAsync([new("a")]);
        await client.DisposeAsync();
        await client.DisposeAsync();
        await server.Hear<MqttPublishPacket>();
        await server.Hear<MqttSubscribePacket>();
        Assert.Equal(MqttReasonCode.Success, (await server.Hear<MqttDisconnectPacket>()).ReasonCode);
        await server.HearEnd();
        await Assert.ThrowsAsync<MqttConnectionClosedException>(() => publishing.Soon());
        await Assert.ThrowsAsync<MqttConnectionClosedException>(() => subscribing.Soon());
        await Assert.ThrowsAsync<MqttConnectionClosedException>(() => client.PublishAsync("a", default).Soon());
        Assert.Null((await client.Closed.Soon()).Failure);
    }

    [Fact]
    public async Task Disposing_towards_a_server_that_does_not_read_ends_by_the_time_limit()
    {
        await using ScriptedServer server = new(pauseAt: 500);
        MqttClientConnection client = await server.Accept();
        Task held = client.PublishAsync("a", new byte[1000]);
        Task disposing = client.DisposeAsync().AsTask();
        await Patience.Until(() => server.Time.Timers == 1);
        Assert.False(disposing.IsCompleted);
        server.Time.Advance(TimeSpan.FromSeconds(3));
        await disposing.Soon();
        await Assert.ThrowsAsync<MqttConnectionClosedException>(() => held.Soon());
    }

    [Fact]
    public async Task The_disconnect_of_the_server_is_told()
    {
        await using ScriptedServer server = new();
        await using MqttClientConnection client = await server.Accept();
        Task<MqttPublishResult> publishing = client.PublishAsync("a", default, MqttQos.AtLeastOnce);
        await server.Say(
            new MqttDisconnectPacket
            {
                ReasonCode = MqttReasonCode.ServerMoved,
                Properties = new MqttProperties { ServerReference = "other" },
            });
        MqttClientClosed closed = await client.Closed.Soon();
        Assert.Equal(MqttReasonCode.ServerMoved, closed.ServerSaid!.ReasonCode);
        Assert.Equal("other", closed.ServerSaid.Properties!.ServerReference);
        MqttConnectionClosedException e = await Assert.ThrowsAsync<MqttConnectionClosedException>(() => publishing.Soon());
        Assert.Contains("ServerMoved", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_vanishes_fails_everything()
    {
        await using ScriptedServer server = new();
        await using MqttClientConnection client = await server.Accept();
        Task<MqttPublishResult> publishing = client.PublishAsync("a", default, MqttQos.ExactlyOnce);
        await server.Wire.DisposeAsync();
        await Assert.ThrowsAsync<MqttConnectionClosedException>(() => publishing.Soon());
        Assert.IsType<MqttConnectionClosedException>((await client.Closed.Soon()).Failure);
    }

    [Fact]
    public async Task Pings_go_out_in_time_and_silence_closes()
    {
        await using ScriptedServer server = new(new MqttClientOptions
        {
            KeepAlive = TimeSpan.FromSeconds(60),
            PingTimeout = TimeSpan.FromSeconds(20),
        });
        await using MqttClientConnection client =
            await server.Accept(new MqttConnackPacket { Properties = new MqttProperties { ServerKeepAlive = 40 } });
        for (int i = 0; i < 3; i++)
        {
            await Patience.Until(() => server.Time.Timers == 1);
            server.Time.Advance(TimeSpan.FromSeconds(30));
            await server.Hear<MqttPingreqPacket>();
            await server.Say(MqttPingrespPacket.Instance);
            await Round(client, server);
        }

        server.Time.Advance(TimeSpan.FromSeconds(30));
        await server.Hear<MqttPingreqPacket>();
        await Patience.Until(() => server.Time.Timers == 1);
        server.Time.Advance(TimeSpan.FromSeconds(20));
        await server.HearEnd();
        Assert.Contains("ping", (await client.Closed.Soon()).Failure!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_schedule_does_not_hold_silence_against_the_server_while_the_reader_is_deaf()
    {
        KeepAliveSchedule schedule = new(TimeSpan.FromSeconds(40), TimeSpan.FromSeconds(20));
        Assert.Equal(KeepAliveStep.Wait, schedule.Next(TimeSpan.Zero, out TimeSpan wait));
        Assert.Equal(TimeSpan.FromSeconds(30), wait);
        Assert.Equal(KeepAliveStep.Ping, schedule.Next(TimeSpan.FromSeconds(30), out _));
        schedule.SetDeaf(true, TimeSpan.FromSeconds(31));
        Assert.Equal(KeepAliveStep.Ping, schedule.Next(TimeSpan.FromSeconds(60), out _));
        Assert.Equal(KeepAliveStep.Ping, schedule.Next(TimeSpan.FromSeconds(90), out _));
        schedule.SetDeaf(false, TimeSpan.FromSeconds(95));
        Assert.Equal(KeepAliveStep.Wait, schedule.Next(TimeSpan.FromSeconds(100), out wait));
        Assert.Equal(TimeSpan.FromSeconds(15), wait);
        Assert.Equal(KeepAliveStep.GiveUp, schedule.Next(TimeSpan.FromSeconds(115), out _));
        schedule.Heard();
        Assert.Equal(KeepAliveStep.Wait, schedule.Next(TimeSpan.FromSeconds(116), out _));
    }

    [Fact]
    public void All_faults_of_the_options_are_told_together()
    {
        ArgumentException e = Assert.Throws<ArgumentException>(() => new MqttClientOptions
        {
            Port = 0,
            ReceiveMaximum = 0,
            MaximumInFlight = 0,
            AuthenticationData = [1],
        }.Validate());
        foreach (string name in new[] { "Port", "ReceiveMaximum", "MaximumInFlight", "AuthenticationMethod" })
        {
            Assert.Contains(name, e.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Over_tcp_too()
    {
        using System.Net.Sockets.TcpListener listener = new(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        int port = ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
        MqttClientOptions options = new() { Host = "127.0.0.1", Port = port };
        Task<MqttClientConnection> connecting = MqttClientConnection.ConnectAsync(options, _ => default, TimeProvider.System);
        System.Net.Sockets.TcpClient accepted = await listener.AcceptTcpClientAsync();
        await using MqttConnection server = MqttConnection.FromStream(accepted.GetStream(), Wire.NewServer);
        Assert.IsType<MqttConnectPacket>(await server.ReadAsync().Soon());
        await server.WriteAsync(new MqttConnackPacket()).Soon();
        MqttClientConnection client = await connecting.Soon();
        Task<MqttPublishResult> publishing = client.PublishAsync("a", new byte[200_000], MqttQos.AtLeastOnce);
        MqttPublishPacket packet = Assert.IsType<MqttPublishPacket>(await server.ReadAsync().Soon());
        Assert.Equal(200_000, packet.Payload.Length);
        await server.WriteAsync(new MqttPubackPacket { PacketId = packet.PacketId }).Soon();
        Assert.True((await publishing.Soon()).IsSuccess);
        await client.DisposeAsync();
        Assert.IsType<MqttDisconnectPacket>(await server.ReadAsync().Soon());
        Assert.Null(await server.ReadAsync().Soon());
    }

    // After it the client has read everything said before.
    private static async Task Round(MqttClientConnection client, ScriptedServer server)
    {
        Task<MqttPublishResult> publishing = client.PublishAsync("round", default, MqttQos.AtLeastOnce);
        await server.Say(new MqttPubackPacket { PacketId = (await server.Hear<MqttPublishPacket>()).PacketId });
        await publishing.Soon();
    }
}
