using System.IO.Pipelines;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways.Tests;

/// <summary>Reason strings and user properties go where they fit, and never make a packet larger than the client takes.</summary>
public sealed class ReplySizeTests
{
    // MQTT-3.2.2-19, MQTT-3.2.2-20, MQTT-3.4.2-2, MQTT-3.4.2-3, MQTT-3.9.2-1, MQTT-3.9.2-2, MQTT-3.11.2-1, MQTT-3.11.2-2,
    // MQTT-3.14.2-3, MQTT-3.14.2-4, MQTT-3.15.2-2, MQTT-3.15.2-3, and those of PUBREC, PUBREL and PUBCOMP.
    [Theory]
    [InlineData(MqttPacketType.Connack)]
    [InlineData(MqttPacketType.Puback)]
    [InlineData(MqttPacketType.Pubrec)]
    [InlineData(MqttPacketType.Pubrel)]
    [InlineData(MqttPacketType.Pubcomp)]
    [InlineData(MqttPacketType.Suback)]
    [InlineData(MqttPacketType.Unsuback)]
    [InlineData(MqttPacketType.Disconnect)]
    [InlineData(MqttPacketType.Auth)]
    public async Task What_does_not_fit_is_left_out_the_reason_first(MqttPacketType type)
    {
        MqttProperties whole = Words(new MqttProperties { ReasonString = new string('r', 40) });
        int all = MqttPacketWriter.SizeOf(Make(type, whole), MqttVersion.V5);
        int withWords = MqttPacketWriter.SizeOf(Make(type, Words(new MqttProperties())), MqttVersion.V5);
        for (int most = withWords - 10; most <= all; most++)
        {
            MqttPacket packet = Make(type, Words(new MqttProperties { ReasonString = new string('r', 40) }));
            (int length, MqttProperties? left) = await WriteAsync(packet, most);
            Assert.InRange(length, 1, most);
            Assert.Equal(most >= all, left?.ReasonString is not null);
            Assert.Equal(most >= withWords ? 2 : 0, left?.UserProperties.Count ?? 0);
        }
    }

    // MQTT-3.2.2-19, MQTT-3.9.2-1, MQTT-3.11.2-1, MQTT-3.14.2-3 from one end to the other.
    [Theory]
    [InlineData(1 << 20, true)]
    [InlineData(24, false)]
    public async Task Answers_carry_their_reason_when_the_client_takes_so_much(int most, bool carried)
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        scene.Allowed = static (action, _, topic) => action != AccessAction.Connect || topic.Length == 0;
        MqttPeer refused = scene.Dial();
        MqttWill will = new() { Topic = "$SYS/wills" };
        await refused.ConnectAsync("refused", will: will, maxPacket: (uint)most);
        Assert.Equal((MqttReasonCode.TopicNameInvalid, carried),
            (refused.Connack.ReasonCode, refused.Connack.Properties?.ReasonString is not null));

        MqttPeer peer = scene.Dial();
        await peer.ConnectAsync("car", cleanStart: false, expiry: 600, maxPacket: (uint)Math.Max(most, 32));
        scene.Allowed = static (action, _, _) => action != AccessAction.Subscribe;
        scene.Store.RegisterFailure = new TryAgainException(new string('n', 100));
        await peer.SendAsync(new MqttSubscribePacket { PacketId = 1, Subscriptions = [new MqttSubscription("a/#")] });
        Assert.Equal(carried, (await peer.NextAsync<MqttSubackPacket>()).Properties?.ReasonString is not null);
        await peer.SendAsync(new MqttUnsubscribePacket { PacketId = 2, Filters = ["a/#"] });
        Assert.Equal(carried, (await peer.NextAsync<MqttUnsubackPacket>()).Properties?.ReasonString is not null);
        scene.Store.RegisterFailure = null;
        await peer.RawAsync(RawPackets.PublishWith(0x03, [0xFF]));
        Assert.Equal(carried, (await peer.NextAsync<MqttDisconnectPacket>()).Properties?.ReasonString is not null);
    }

    private static MqttProperties Words(MqttProperties properties) => properties.Add("first", "1").Add("second", "2");

    private static MqttPacket Make(MqttPacketType type, MqttProperties properties) => type switch
    {
        MqttPacketType.Connack => new MqttConnackPacket { ReasonCode = MqttReasonCode.ServerBusy, Properties = properties },
        MqttPacketType.Puback => new MqttPubackPacket { PacketId = 1, Properties = properties },
        MqttPacketType.Pubrec => new MqttPubrecPacket { PacketId = 1, Properties = properties },
        MqttPacketType.Pubrel => new MqttPubrelPacket { PacketId = 1, Properties = properties },
        MqttPacketType.Pubcomp => new MqttPubcompPacket { PacketId = 1, Properties = properties },
        MqttPacketType.Suback => new MqttSubackPacket
        {
            PacketId = 1, ReasonCodes = [MqttReasonCode.NotAuthorized], Properties = properties,
        },
        MqttPacketType.Unsuback => new MqttUnsubackPacket
        {
            PacketId = 1, ReasonCodes = [MqttReasonCode.NotAuthorized], Properties = properties,
        },
        MqttPacketType.Disconnect => new MqttDisconnectPacket { ReasonCode = MqttReasonCode.ServerBusy, Properties = properties },
        _ => new MqttAuthPacket { ReasonCode = MqttReasonCode.ContinueAuthentication, Properties = WithMethod(properties) },
    };

    private static MqttProperties WithMethod(MqttProperties properties)
    {
        properties.AuthenticationMethod = "m";
        return properties;
    }

    // Writes as the gateway does and reads as a client does; gives the bytes and what is left of the properties.
    private static async Task<(int Length, MqttProperties? Left)> WriteAsync(MqttPacket packet, int most)
    {
        Pipe pipe = new();
        Pipe nothing = new();
        MqttConnection server = new(new Ends(nothing.Reader, pipe.Writer), new MqttDecodeOptions());
        ReplyWriter replies = new(server,
            new MqttConnectPacket { Version = MqttVersion.V5, Properties = new MqttProperties { MaximumPacketSize = (uint)most } });
        await replies.WriteAsync(packet, default);
        ReadResult read = await pipe.Reader.ReadAsync();
        int length = (int)read.Buffer.Length;
        pipe.Reader.AdvanceTo(read.Buffer.Start);
        await server.DisposeAsync();
        MqttConnection client = new(new Ends(pipe.Reader, nothing.Writer),
            new MqttDecodeOptions { Role = MqttRole.Client, Version = MqttVersion.V5 });
        await using (client)
        {
            MqttPacket got = (await client.ReadAsync())!;
            Assert.Equal(packet.Type, got.Type);
            return (length, got switch
            {
                MqttPublishReply reply => reply.Properties,
                MqttConnackPacket connack => connack.Properties,
                MqttSubackPacket suback => suback.Properties,
                MqttUnsubackPacket unsuback => unsuback.Properties,
                MqttDisconnectPacket disconnect => disconnect.Properties,
                _ => ((MqttAuthPacket)got).Properties,
            });
        }
    }

    private sealed class Ends(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input { get; } = input;

        public PipeWriter Output { get; } = output;
    }
}
