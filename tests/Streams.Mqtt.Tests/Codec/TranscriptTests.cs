using System.Buffers;
using System.Text;

namespace Streams.Mqtt.Tests;

/// <summary>Packets laid out by hand from the figures of the standard, byte by byte, in both directions.</summary>
public class TranscriptTests
{
    [Fact]
    public void Connect_of_version_5_with_everything()
    {
        byte[] bytes = Wire.Packet(0x10,
            "'MQTT' 05 EE 000A"                 // name, level, user+password+retain+qos1+will+clean, keep alive 10
            + "05 11 0000000A"                  // properties: session expiry 10
            + "'dev-1'"                         // client identifier
            + "0D 18 00000005 01 01 03 'a/b'"   // will properties: delay 5, text, content type
            + "'will/topic' 0002 4F4B"          // will topic and payload
            + "'bob' 0003 010203");             // user name, password
        MqttConnectPacket expected = new()
        {
            Version = MqttVersion.V5,
            ClientId = "dev-1",
            CleanStart = true,
            KeepAliveSeconds = 10,
            UserName = "bob",
            Password = new byte[] { 1, 2, 3 },
            Properties = new MqttProperties { SessionExpiryInterval = 10 },
            Will = new MqttWill
            {
                Topic = "will/topic",
                Payload = "OK"u8.ToArray(),
                Qos = MqttQos.AtLeastOnce,
                Retain = true,
                Properties = new MqttProperties { WillDelayInterval = 5, PayloadIsText = true, ContentType = "a/b" },
            },
        };
        Assert.Equal(PacketText.Of(expected), PacketText.Of(Wire.Decode(bytes, Wire.NewServer)));
    }

    [Fact]
    public void Connect_of_version_311()
    {
        byte[] bytes = Wire.Bytes("10 13 0004 4D515454 04 02 003C 0007 6465766963652D");
        Assert.Throws<MqttProtocolException>(() => Wire.Decode(Wire.Packet(0x10, "'MQTT' 04 02 003C 0007 6465"), Wire.NewServer));
        MqttConnectPacket connect = Assert.IsType<MqttConnectPacket>(Wire.Decode(bytes, Wire.NewServer));
        Assert.Equal(
            ("device-", true, (ushort)60, MqttVersion.V311),
            (connect.ClientId, connect.CleanStart, connect.KeepAliveSeconds, connect.Version));
        Assert.Equal(bytes, Wire.Encode(connect, MqttVersion.V311));
    }

    [Theory]
    [InlineData("20 03 00 00 00", MqttReasonCode.Success, false)]
    [InlineData("20 03 01 00 00", MqttReasonCode.Success, true)]
    [InlineData("20 03 00 87 00", MqttReasonCode.NotAuthorized, false)]
    public void Connack_of_version_5(string hex, MqttReasonCode code, bool present)
    {
        BothWays(hex, new MqttConnackPacket { ReasonCode = code, SessionPresent = present }, Wire.ClientV5);
    }

    [Theory]
    [InlineData("20 02 00 00", MqttReasonCode.Success)]
    [InlineData("20 02 00 01", MqttReasonCode.UnsupportedProtocolVersion)]
    [InlineData("20 02 00 02", MqttReasonCode.ClientIdentifierNotValid)]
    [InlineData("20 02 00 03", MqttReasonCode.ServerUnavailable)]
    [InlineData("20 02 00 04", MqttReasonCode.BadUserNameOrPassword)]
    [InlineData("20 02 00 05", MqttReasonCode.NotAuthorized)]
    public void Connack_of_version_311_has_six_return_codes(string hex, MqttReasonCode code)
    {
        BothWays(hex, new MqttConnackPacket { ReasonCode = code }, Wire.ClientV311);
    }

    [Fact]
    public void Publish_of_qos_0()
    {
        BothWays("30 09 0003 612F62 00 4F4B21", Publish("a/b", "OK!", MqttQos.AtMostOnce, 0, null), Wire.ServerV5);
        BothWays("30 08 0003 612F62 4F4B21", Publish("a/b", "OK!", MqttQos.AtMostOnce, 0, null), Wire.ServerV311);
    }

    [Fact]
    public void Publish_of_qos_2_repeated_retained_with_properties_in_order()
    {
        MqttProperties properties = new() { MessageExpiryInterval = 258, TopicAlias = 7 };
        properties.Add("k", "1").Add("a", "").Add("k", "2").AddSubscription(1).AddSubscription(268_435_455);
        BothWays(
            "3D 2C 0003 612F62 000A 23"
            + "02 00000102 0B01 0BFFFFFF7F 23 0007 26 0001 6B 0001 31 26 0001 61 0000 26 0001 6B 0001 32 7A",
            new MqttPublishPacket
            {
                Topic = "a/b",
                Payload = new ReadOnlySequence<byte>("z"u8.ToArray()),
                Qos = MqttQos.ExactlyOnce,
                Duplicate = true,
                Retain = true,
                PacketId = 10,
                Properties = properties,
            },
            Wire.ClientV5);
    }

    [Theory]
    [InlineData("40 02 0102", MqttReasonCode.Success)]
    [InlineData("40 03 0102 10", MqttReasonCode.NoMatchingSubscribers)]
    [InlineData("40 03 0102 97", MqttReasonCode.QuotaExceeded)]
    public void Puback_leaves_out_what_says_nothing(string hex, MqttReasonCode code)
    {
        BothWays(hex, new MqttPubackPacket { PacketId = 0x0102, ReasonCode = code }, Wire.ClientV5);
    }

    [Fact]
    public void The_four_answers_with_a_reason_string()
    {
        MqttProperties text = new() { ReasonString = "no" };
        BothWays(
            "40 09 0001 87 05 1F 0002 6E6F",
            new MqttPubackPacket { PacketId = 1, ReasonCode = MqttReasonCode.NotAuthorized, Properties = text },
            Wire.ServerV5);
        BothWays(
            "50 09 0001 87 05 1F 0002 6E6F",
            new MqttPubrecPacket { PacketId = 1, ReasonCode = MqttReasonCode.NotAuthorized, Properties = text },
            Wire.ServerV5);
        BothWays(
            "62 09 0001 92 05 1F 0002 6E6F",
            new MqttPubrelPacket { PacketId = 1, ReasonCode = MqttReasonCode.PacketIdentifierNotFound, Properties = text },
            Wire.ServerV5);
        BothWays(
            "70 09 0001 92 05 1F 0002 6E6F",
            new MqttPubcompPacket { PacketId = 1, ReasonCode = MqttReasonCode.PacketIdentifierNotFound, Properties = text },
            Wire.ServerV5);
        BothWays("50 02 0001", new MqttPubrecPacket { PacketId = 1 }, Wire.ServerV311);
        BothWays("62 02 0001", new MqttPubrelPacket { PacketId = 1 }, Wire.ClientV311);
        BothWays("70 02 FFFF", new MqttPubcompPacket { PacketId = 65_535 }, Wire.ClientV311);
    }

    [Fact]
    public void An_answer_may_have_a_reason_code_and_an_empty_property_block()
    {
        MqttPubackPacket puback = Assert.IsType<MqttPubackPacket>(Wire.Decode(Wire.Bytes("40 04 0001 00 00"), Wire.ClientV5));
        Assert.Null(puback.Properties);
    }

    [Fact]
    public void Subscribe_and_its_options()
    {
        MqttSubscribePacket packet = new()
        {
            PacketId = 10,
            Properties = new MqttProperties().AddSubscription(130),
            Subscriptions =
            [
                new MqttSubscription("a/+", MqttQos.AtLeastOnce)
                {
                    NoLocal = true,
                    RetainAsPublished = true,
                    RetainHandling = MqttRetainHandling.DoNotSend,
                },
                new MqttSubscription("$share/g/#", MqttQos.ExactlyOnce) { RetainHandling = MqttRetainHandling.SendIfNew },
            ],
        };
        BothWays("82 19 000A 03 0B 8201 0003 612F2B 2D 000A 2473686172652F672F23 12", packet, Wire.ServerV5);
        BothWays(
            "82 08 0001 0003 612F2B 01",
            new MqttSubscribePacket { PacketId = 1, Subscriptions = [new MqttSubscription("a/+", MqttQos.AtLeastOnce)] },
            Wire.ServerV311);
    }

    [Fact]
    public void Suback_unsubscribe_and_unsuback()
    {
        BothWays(
            "90 06 000A 00 00 02 A1",
            new MqttSubackPacket
            {
                PacketId = 10,
                ReasonCodes = [MqttReasonCode.Success, MqttReasonCode.GrantedQos2, MqttReasonCode.SubscriptionIdentifiersNotSupported],
            },
            Wire.ClientV5);
        BothWays(
            "90 04 000A 01 80",
            new MqttSubackPacket { PacketId = 10, ReasonCodes = [MqttReasonCode.GrantedQos1, MqttReasonCode.UnspecifiedError] },
            Wire.ClientV311);
        BothWays(
            "A2 0C 000A 00 0003 612F62 0002 2F23", new MqttUnsubscribePacket { PacketId = 10, Filters = ["a/b", "/#"] }, Wire.ServerV5);
        BothWays("A2 07 000A 0003 612F62", new MqttUnsubscribePacket { PacketId = 10, Filters = ["a/b"] }, Wire.ServerV311);
        BothWays(
            "B0 05 000A 00 00 11",
            new MqttUnsubackPacket { PacketId = 10, ReasonCodes = [MqttReasonCode.Success, MqttReasonCode.NoSubscriptionExisted] },
            Wire.ClientV5);
        BothWays("B0 02 000A", new MqttUnsubackPacket { PacketId = 10 }, Wire.ClientV311);
    }

    [Fact]
    public void Pings_disconnect_and_auth()
    {
        BothWays("C0 00", MqttPingreqPacket.Instance, Wire.ServerV5);
        BothWays("D0 00", MqttPingrespPacket.Instance, Wire.ClientV311);
        BothWays("E0 00", new MqttDisconnectPacket(), Wire.ServerV311);
        BothWays("E0 00", new MqttDisconnectPacket(), Wire.ServerV5);
        BothWays("E0 01 04", new MqttDisconnectPacket { ReasonCode = MqttReasonCode.DisconnectWithWill }, Wire.ServerV5);
        BothWays(
            "E0 07 00 05 11 00000000",
            new MqttDisconnectPacket { Properties = new MqttProperties { SessionExpiryInterval = 0 } },
            Wire.ServerV5);
        BothWays(
            "E0 09 9D 07 1C 0004 682D3221",
            new MqttDisconnectPacket
            {
                ReasonCode = MqttReasonCode.ServerMoved,
                Properties = new MqttProperties { ServerReference = "h-2!" },
            },
            Wire.ClientV5);
        BothWays("F0 00", new MqttAuthPacket(), Wire.ClientV5);
        BothWays(
            "F0 0B 18 09 15 0001 78 16 0002 0102",
            new MqttAuthPacket
            {
                ReasonCode = MqttReasonCode.ContinueAuthentication,
                Properties = new MqttProperties { AuthenticationMethod = "x", AuthenticationData = new byte[] { 1, 2 } },
            },
            Wire.ServerV5);
    }

    [Fact]
    public void Every_connack_property_has_its_identifier_and_type()
    {
        byte[] bytes = Wire.Packet(0x20,
            "00 00 52"
            + "11 00000001 12 'c' 13 0002 15 'm' 16 0001 FF 1A 'r' 1C 's' 1F 't' 21 0003 22 0004 24 00 25 01 27 00000005 28 00 29 01 2A 00"
            + "26 'n' 'v' 26 'n' 'w' 26 'longername' ''");
        MqttProperties? p = Assert.IsType<MqttConnackPacket>(Wire.Decode(bytes, Wire.ClientV5)).Properties;
        Assert.NotNull(p);
        MqttProperties expected = new()
        {
            SessionExpiryInterval = 1,
            AssignedClientIdentifier = "c",
            ServerKeepAlive = 2,
            AuthenticationMethod = "m",
            AuthenticationData = new byte[] { 0xFF },
            ResponseInformation = "r",
            ServerReference = "s",
            ReasonString = "t",
            ReceiveMaximum = 3,
            TopicAliasMaximum = 4,
            MaximumQos = MqttQos.AtMostOnce,
            RetainAvailable = true,
            MaximumPacketSize = 5,
            WildcardSubscriptionAvailable = false,
            SubscriptionIdentifierAvailable = true,
            SharedSubscriptionAvailable = false,
        };
        expected.Add("n", "v").Add("n", "w").Add("longername", "");
        Assert.Equal(PacketText.Of(expected), PacketText.Of(p));
        Assert.Equal("v", p.FirstUserValue("n"));
        Assert.Null(p.FirstUserValue("N"));
    }

    [Theory]
    [InlineData(0, "00")]
    [InlineData(127, "7F")]
    [InlineData(128, "8001")]
    [InlineData(16_383, "FF7F")]
    [InlineData(16_384, "808001")]
    [InlineData(2_097_151, "FFFF7F")]
    [InlineData(2_097_152, "80808001")]
    [InlineData(268_435_455, "FFFFFF7F")]
    public void Variable_byte_integers_are_those_of_table_1_1(uint value, string hex)
    {
        byte[] bytes = new byte[4];
        int size = VariableByteInteger.Write(bytes, value);
        Assert.Equal(hex, Convert.ToHexString(bytes, 0, size));
        Assert.Equal(size, VariableByteInteger.Size(value));
        BodyReader reader = new(new ReadOnlySequence<byte>(bytes, 0, size));
        Assert.Equal(value, reader.ReadVariable("number"));
    }

    [Fact]
    public void A_string_is_the_one_of_figure_1_2_and_keeps_a_byte_order_mark()
    {
        MqttPublishPacket publish = Assert.IsType<MqttPublishPacket>(Wire.Decode(Wire.Bytes("30 08 0005 41F0AA9B94 00"), Wire.ServerV5));
        Assert.Equal("A\U0002A6D4", publish.Topic);
        publish = Assert.IsType<MqttPublishPacket>(Wire.Decode(Wire.Bytes("30 07 0004 EFBBBF61 00"), Wire.ServerV5));
        Assert.Equal("\uFEFFa", publish.Topic);
    }

    private static MqttPublishPacket Publish(string topic, string payload, MqttQos qos, ushort id, MqttProperties? properties) => new()
    {
        Topic = topic,
        Payload = new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(payload)),
        Qos = qos,
        PacketId = id,
        Properties = properties,
    };

    private static void BothWays(string hex, MqttPacket packet, MqttDecodeOptions receiver)
    {
        byte[] bytes = Wire.Bytes(hex);
        Assert.Equal(PacketText.Of(packet), PacketText.Of(Wire.Decode(bytes, receiver)));
        Assert.Equal(Convert.ToHexString(bytes), Convert.ToHexString(Wire.Encode(packet, receiver.Version!.Value)));
    }
}
