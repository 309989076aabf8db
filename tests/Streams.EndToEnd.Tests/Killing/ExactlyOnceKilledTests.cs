using System.Globalization;
using Streams.Mqtt;
using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>QoS 2 across kill -9 of a real server, at each place of the exchange: one event for each message, one delivery of each event
/// (MQTT-4.3.3, MQTT-4.4.0-1).</summary>
public sealed class ExactlyOnceKilledTests
{
    private const string Stream = "/fleet";
    private const string Topic = "fleet/car-17";

    [Fact]
    public async Task What_is_published_is_one_event_though_the_server_is_killed_before_PUBREC_and_before_PUBREL()
    {
        using var directory = new TemporaryDirectory();
        await using var cluster = await TestCluster.StartAloneAsync(directory);
        var port = cluster.Options.MqttPort;
        const int Count = 20;

        // Between PUBLISH and PUBREC: some of them are in the log, the client knows of none.
        var client = await PacketClient.ConnectAsync(port, "car");
        await client.PublishAsync(Topic, 100, "first");
        await client.NextAsync<MqttPubrecPacket>();
        for (ushort id = 1; id <= Count; id++)
        {
            await client.PublishAsync(Topic, id, $"{id}");
        }

        await cluster.KillAsync();
        await client.DisposeAsync();
        await cluster.StartAsync();
        client = await PacketClient.ConnectAsync(port, "car");
        Assert.True(client.Connack.SessionPresent);
        await client.PublishAsync(Topic, 100, "first", duplicate: true);
        Assert.Equal(100, (await client.NextAsync<MqttPubrecPacket>()).PacketId);
        for (ushort id = 1; id <= Count; id++)
        {
            await client.PublishAsync(Topic, id, $"{id}", duplicate: true);
        }

        for (ushort id = 1; id <= Count; id++)
        {
            Assert.Equal((id, MqttReasonCode.Success), Said(await client.NextAsync<MqttPubrecPacket>()));
        }

        // Between PUBREC and PUBREL, and behind a PUBREL whose PUBCOMP may not have been sent.
        await client.SendAsync(new MqttPubrelPacket { PacketId = 1 });
        await cluster.KillAsync();
        await client.DisposeAsync();
        await cluster.StartAsync();
        client = await PacketClient.ConnectAsync(port, "car");
        await client.PublishAsync(Topic, 2, "2", duplicate: true);
        Assert.Equal(2, (await client.NextAsync<MqttPubrecPacket>()).PacketId);
        for (ushort id = 1; id <= Count; id++)
        {
            await client.SendAsync(new MqttPubrelPacket { PacketId = id });
            var (said, code) = Said(await client.NextAsync<MqttPubcompPacket>());
            Assert.Equal(id, said);
            Assert.True(id == 1 || code == MqttReasonCode.Success, $"PUBCOMP {id} with {code}");
        }

        await client.PublishAsync(Topic, 1, "last");
        await client.NextAsync<MqttPubrecPacket>();
        await client.DisposeAsync();
        var events = await cluster.Api.EventsAsync(Stream);
        Assert.Equal((string[])["first", .. Numbers(Count), "last"], events.Select(found => found.Event.Text));
        ServerLines.AssertCalm(cluster.Server);
    }

    [Fact]
    public async Task What_is_given_comes_again_under_its_identifier_or_not_at_all_though_the_server_is_killed()
    {
        using var directory = new TemporaryDirectory();
        await using var cluster = await TestCluster.StartAloneAsync(directory);
        var port = cluster.Options.MqttPort;
        var reader = await PacketClient.ConnectAsync(port, "reader");
        await reader.SendAsync(new MqttSubscribePacket
        {
            PacketId = 1,
            Subscriptions = [new MqttSubscription("fleet/#", MqttQos.ExactlyOnce)],
        });
        Assert.Equal((MqttReasonCode)2, Assert.Single((await reader.NextAsync<MqttSubackPacket>()).ReasonCodes));
        await using (var writer = await PacketClient.ConnectAsync(port, "writer"))
        {
            for (ushort id = 1; id <= 4; id++)
            {
                await writer.PublishAsync(Topic, id, $"{id}");
                await writer.NextAsync<MqttPubrecPacket>();
            }
        }

        List<ushort> ids = [];
        for (var i = 1; i <= 4; i++)
        {
            var (id, duplicate, text) = await reader.MessageAsync();
            Assert.Equal((false, $"{i}"), (duplicate, text));
            ids.Add(id);
        }

        // 4 to the end, 3 until PUBREL; of 1 and 2 the server hears nothing.
        foreach (var id in (ushort[])[ids[3], ids[2]])
        {
            await reader.SendAsync(new MqttPubrecPacket { PacketId = id });
            Assert.Equal(id, (await reader.NextAsync<MqttPubrelPacket>()).PacketId);
        }

        await reader.SendAsync(new MqttPubcompPacket { PacketId = ids[3] });
        await cluster.KillAsync();
        await reader.DisposeAsync();
        for (var round = 0; round < 2; round++)
        {
            await cluster.StartAsync();
            reader = await PacketClient.ConnectAsync(port, "reader");
            Assert.True(reader.Connack.SessionPresent);
            // Of 4 the PUBCOMP may have gone down with the server: then its PUBREL comes too, and no message either way.
            var pubrels = new List<ushort>();
            Assert.Equal((ids[0], true, "1"), await AfterPubrelsAsync(reader, pubrels));
            Assert.Contains(ids[2], pubrels);
            Assert.Empty(pubrels.Except([ids[2], ids[3]]));
            Assert.Equal((ids[1], true, "2"), await reader.MessageAsync());
            await cluster.KillAsync();
            await reader.DisposeAsync();
        }

        await cluster.StartAsync();
        reader = await PacketClient.ConnectAsync(port, "reader");
        Assert.Equal((ids[0], true, "1"), await AfterPubrelsAsync(reader, []));
        foreach (var id in (ushort[])[ids[0], ids[1]])
        {
            await reader.SendAsync(new MqttPubrecPacket { PacketId = id });
        }

        Assert.Equal((ids[1], true, "2"), await reader.MessageAsync());
        Assert.Equal(ids[0], (await reader.NextAsync<MqttPubrelPacket>()).PacketId);
        Assert.Equal(ids[1], (await reader.NextAsync<MqttPubrelPacket>()).PacketId);
        foreach (var id in ids)
        {
            await reader.SendAsync(new MqttPubcompPacket { PacketId = id });
        }

        await reader.SendAsync(MqttPingreqPacket.Instance);
        await reader.NextAsync<MqttPingrespPacket>();
        await reader.DisposeAsync();
        ServerLines.AssertCalm(cluster.Server);
    }

    /// <summary>Clients that others wrote, both with QoS 2: the listener stays, its server is killed again and again.</summary>
    [Fact]
    public async Task Mosquittos_listener_is_given_each_message_once_while_its_server_is_killed()
    {
        using var directory = new TemporaryDirectory();
        await using var cluster = await TestCluster.StartAloneAsync(directory);
        var port = cluster.Options.MqttPort;
        await using var listener = Mosquitto.Listen(port, "5", "listener", "fleet/#", qos: 2);
        await Mosquitto.SubscribedAsync(listener);
        var sent = 0;
        for (var round = 0; round < 3; round++)
        {
            await using (var publisher = Mosquitto.PublishLines(port, Topic, qos: 2))
            {
                for (var i = 0; i < 50; i++)
                {
                    await publisher.WriteLineAsync($"{++sent}");
                }

                await Eventually.TrueAsync(() => publisher.Lines.Count(l => l.Contains("received PUBCOMP", StringComparison.Ordinal)) >= 50,
                    $"{sent} messages are completed", seen: () => publisher.Report);
                publisher.CloseInput();
                await publisher.WaitForExitAsync();
            }

            var goal = sent - 20;
            await Eventually.TrueAsync(() => Mosquitto.Messages(listener).Count >= goal, $"{goal} messages are given",
                seen: () => listener.Report);
            await cluster.KillAsync();
            await cluster.StartAsync();
        }

        await Eventually.TrueAsync(() => Mosquitto.Messages(listener).Count >= sent, $"{sent} messages are given",
            TimeSpan.FromSeconds(60), () => listener.Report);
        Assert.Equal(Numbers(sent).Select(n => $"{Topic} {n}"), Mosquitto.Messages(listener));
    }

    // The PUBRELs of an earlier connection come first.
    private static async Task<(ushort Id, bool Duplicate, string Text)> AfterPubrelsAsync(PacketClient reader, List<ushort> pubrels)
    {
        while (true)
        {
            var packet = await reader.NextAsync();
            if (packet is MqttPublishPacket publish)
            {
                return PacketClient.Read(publish);
            }

            pubrels.Add(Assert.IsType<MqttPubrelPacket>(packet).PacketId);
        }
    }

    private static (int Id, MqttReasonCode Code) Said(MqttPublishReply reply) => (reply.PacketId, reply.ReasonCode);

    private static IEnumerable<string> Numbers(int count) =>
        Enumerable.Range(1, count).Select(number => number.ToString(CultureInfo.InvariantCulture));
}
