using System.Buffers;
using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Streams.Mqtt;
using Streams.Testing;

namespace Streams.Gateways.Tests;

/// <summary>A group under everything that members do, at the same time: over the gateway and a store on disk.</summary>
public sealed class ShareStormTests
{
    private const string Share = "$share/storm/fleet/#";
    private const int Messages = 600;
    private const int Workers = 5;

    private readonly ConcurrentDictionary<int, int> _acknowledged = new();
    private readonly ConcurrentDictionary<int, int> _abandoned = new();
    private volatile bool _published;

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    public async Task Members_come_and_go_in_every_way_and_no_message_is_lost_or_given_twice_without_a_reason(int seed)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer last = await scene.ConnectAsync("last", receiveMaximum: 3);
        Assert.Equal(MqttReasonCode.GrantedQos1, await last.SubscribeAsync(Share));
        Task[] workers = [.. Enumerable.Range(0, Workers).Select(i => Task.Run(() => WorkAsync(scene, i, new Random(seed * 100 + i))))];
        MqttPeer writer = await scene.ConnectAsync("writer");
        for (int i = 0; i < Messages; i++)
        {
            await writer.PublishAsync($"fleet/{i % 7}", $"{i}");
        }

        _published = true;
        await Task.WhenAll(workers);

        // The one that stays has held three until now, and is given all that is left.
        while (Enumerable.Range(0, Messages).Any(i => !_acknowledged.ContainsKey(i)))
        {
            MqttPublishPacket message = await last.NextMessageAsync();
            Note(_acknowledged, NumberOf(message));
            await last.AcknowledgeAsync(message);
        }

        Assert.True(await last.NothingBeforePingAsync<MqttPublishPacket>());
        foreach ((int number, int times) in _acknowledged)
        {
            Assert.True(times - 1 <= _abandoned.GetValueOrDefault(number), $"{number} was given {times} times");
        }

        await last.DisconnectAsync();
        Assert.Equal(0, scene.Gateway.Status.Shares);
    }

    private async Task WorkAsync(GatewayScene scene, int worker, Random chance)
    {
        for (int life = 0; !_published || life < 3; life++)
        {
            MqttPeer peer = await scene.ConnectAsync($"worker-{worker}", cleanStart: chance.Next(2) == 0, expiry: 60,
                receiveMaximum: (ushort)(1 + chance.Next(20)));
            if (!peer.Connack.SessionPresent || chance.Next(2) == 0)
            {
                Assert.Equal(MqttReasonCode.GrantedQos1, await peer.SubscribeAsync(Share));
            }

            List<MqttPublishPacket> held = [];
            for (int i = chance.Next(60); i > 0; i--)
            {
                if (!await peer.NothingBeforePingAsync<MqttPublishPacket>())
                {
                    held.Add(await peer.NextMessageAsync());
                }

                if (held.Count > 0 && chance.Next(3) > 0)
                {
                    int at = chance.Next(held.Count);
                    await peer.AcknowledgeAsync(held[at]);
                    Note(_acknowledged, NumberOf(held[at]));
                    held.RemoveAt(at);
                }
            }

            if (chance.Next(3) == 0)
            {
                await peer.UnsubscribeAsync(Share);
            }

            // Once a ping is answered all acknowledgements before it are read: only what was held comes again.
            await peer.NothingBeforePingAsync<MqttPublishPacket>();
            held.ForEach(message => Note(_abandoned, NumberOf(message)));
            await (chance.Next(2) == 0 ? peer.VanishAsync() : peer.DisconnectAsync());
        }
    }

    private static void Note(ConcurrentDictionary<int, int> counts, int number) => counts.AddOrUpdate(number, 1, static (_, n) => n + 1);

    private static int NumberOf(MqttPublishPacket message) =>
        int.Parse(Encoding.UTF8.GetString(message.Payload), CultureInfo.InvariantCulture);
}
