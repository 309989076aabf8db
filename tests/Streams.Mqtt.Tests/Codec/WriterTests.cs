using System.Buffers;

namespace Streams.Mqtt.Tests;

public class WriterTests
{
    [Fact]
    public void Refuses_what_the_standard_cannot_carry_and_writes_nothing()
    {
        string tooLong = new('x', 65_536);
        Refused(MqttReasonCode.ProtocolError, new MqttPubackPacket { PacketId = 0 });
        Refused(MqttReasonCode.ProtocolError, new MqttPubackPacket { PacketId = 1, ReasonCode = MqttReasonCode.ServerMoved });
        Refused(MqttReasonCode.ProtocolError, new MqttSubscribePacket { PacketId = 1, Subscriptions = [] });
        Refused(MqttReasonCode.ProtocolError, new MqttUnsubscribePacket { PacketId = 1, Filters = [] });
        Refused(MqttReasonCode.ProtocolError, new MqttSubackPacket { PacketId = 1, ReasonCodes = [] });
        Refused(MqttReasonCode.TopicFilterInvalid, new MqttSubscribePacket { PacketId = 1, Subscriptions = [new MqttSubscription("a#")] });
        Refused(MqttReasonCode.TopicFilterInvalid, new MqttUnsubscribePacket { PacketId = 1, Filters = [tooLong] });
        Refused(MqttReasonCode.TopicNameInvalid, new MqttPublishPacket { Topic = "a/+" });
        Refused(MqttReasonCode.TopicNameInvalid, new MqttPublishPacket { Topic = "" });
        Refused(MqttReasonCode.TopicNameInvalid, new MqttPublishPacket { Topic = tooLong });
        Refused(MqttReasonCode.ProtocolError, new MqttPublishPacket { Topic = "a", Qos = MqttQos.AtLeastOnce });
        Refused(MqttReasonCode.ProtocolError, new MqttPublishPacket { Topic = "a", PacketId = 1 });
        Refused(MqttReasonCode.ProtocolError, new MqttPublishPacket { Topic = "a", Duplicate = true });
        Refused(MqttReasonCode.MalformedPacket, new MqttPublishPacket { Topic = "a", Qos = (MqttQos)3, PacketId = 1 });
        Refused(MqttReasonCode.MalformedPacket, new MqttPublishPacket { Topic = "a\uD800" });
        Refused(MqttReasonCode.MalformedPacket, new MqttConnectPacket { ClientId = "a\0" });
        Refused(MqttReasonCode.MalformedPacket, new MqttConnectPacket { Password = new byte[65_536] });
        Refused(MqttReasonCode.MalformedPacket, new MqttPublishPacket { Topic = "a", Properties = new MqttProperties().Add("k", tooLong) });
        Refused(
            MqttReasonCode.ProtocolError, new MqttPublishPacket { Topic = "a", Properties = new MqttProperties { ReceiveMaximum = 1 } });
        Refused(MqttReasonCode.ProtocolError, new MqttPublishPacket { Topic = "a", Properties = new MqttProperties().AddSubscription(0) });
        Refused(
            MqttReasonCode.ProtocolError,
            new MqttPublishPacket { Topic = "a", Properties = new MqttProperties().AddSubscription(268_435_456) });
        Refused(MqttReasonCode.ProtocolError, new MqttConnackPacket { ReasonCode = MqttReasonCode.Banned, SessionPresent = true });
        Refused(MqttReasonCode.ProtocolError, new MqttConnectPacket { Properties = new MqttProperties { ReceiveMaximum = 0 } });
        Refused(MqttReasonCode.ProtocolError, new MqttConnectPacket { Properties = new MqttProperties { AuthenticationData = [1] } });
        Refused(MqttReasonCode.ProtocolError, new MqttAuthPacket { ReasonCode = MqttReasonCode.ContinueAuthentication });
    }

    [Fact]
    public void A_refusal_of_a_message_is_not_turned_into_an_acknowledgement_in_version_311()
    {
        MqttPubackPacket puback = new() { PacketId = 1, ReasonCode = MqttReasonCode.QuotaExceeded };
        Assert.Equal(MqttReasonCode.QuotaExceeded, Refused(puback, MqttVersion.V311).ReasonCode);
        Assert.Equal(MqttReasonCode.ProtocolError, Refused(new MqttAuthPacket(), MqttVersion.V311).ReasonCode);
        Assert.Equal("62020001", Convert.ToHexString(Wire.Encode(
            new MqttPubrelPacket { PacketId = 1, ReasonCode = MqttReasonCode.PacketIdentifierNotFound }, MqttVersion.V311)));
    }

    [Theory]
    [InlineData(MqttReasonCode.Banned, 5)]
    [InlineData(MqttReasonCode.ServerBusy, 3)]
    [InlineData(MqttReasonCode.UnsupportedProtocolVersion, 1)]
    [InlineData(MqttReasonCode.ClientIdentifierNotValid, 2)]
    [InlineData(MqttReasonCode.BadUserNameOrPassword, 4)]
    [InlineData(MqttReasonCode.MalformedPacket, 3)]
    public void Connack_reasons_are_mapped_to_version_311(MqttReasonCode reason, byte code)
    {
        MqttConnackPacket connack = new() { ReasonCode = reason, Properties = new MqttProperties { ReasonString = "dropped" } };
        Assert.Equal(new byte[] { 0x20, 2, 0, code }, Wire.Encode(connack, MqttVersion.V311));
    }

    [Fact]
    public void Suback_failures_become_0x80_in_version_311()
    {
        MqttSubackPacket suback = new() { PacketId = 1, ReasonCodes = [MqttReasonCode.GrantedQos1, MqttReasonCode.NotAuthorized] };
        Assert.Equal("900400010180", Convert.ToHexString(Wire.Encode(suback, MqttVersion.V311)));
    }

    [Fact]
    public void A_publish_without_packet_object_has_the_same_bytes()
    {
        for (int seed = 0; seed < 100; seed++)
        {
            MqttPublishPacket packet = (MqttPublishPacket)new PacketSource(seed, MqttVersion.V5).Next(
                MqttPacketType.Publish, MqttRole.Client);
            byte[] payload = packet.Payload.ToArray();
            MqttPublishHead head = MqttPacketWriter.HeadOf(packet);
            ArrayBufferWriter<byte> bySpan = new();
            ArrayBufferWriter<byte> bySequence = new();
            ReadOnlySequence<byte> cut = Wire.Cut(payload, payload.Length / 3, payload.Length / 2);
            MqttPacketWriter.WritePublish(bySpan, head, payload, MqttVersion.V5);
            MqttPacketWriter.WritePublish(bySequence, head, cut, MqttVersion.V5);
            Assert.Equal(Wire.Encode(packet), bySpan.WrittenSpan.ToArray());
            Assert.Equal(Wire.Encode(packet), bySequence.WrittenSpan.ToArray());
            Assert.Equal(bySpan.WrittenCount, MqttPacketWriter.SizeOfPublish(head, payload.Length, MqttVersion.V5));
        }
    }

    [Theory]
    [InlineData("a/b", MqttVersion.V5, (ushort)7)]
    [InlineData("", MqttVersion.V5, (ushort)7)]
    [InlineData("a/b", MqttVersion.V311, null)]
    public void A_topic_alias_of_the_head_is_written_with_the_other_properties(string topic, MqttVersion version, ushort? alias)
    {
        MqttPublishHead head = new()
        {
            TopicUtf8 = System.Text.Encoding.UTF8.GetBytes(topic), TopicAlias = 7, Properties = new MqttProperties().Add("first", "1"),
        };
        ArrayBufferWriter<byte> output = new();
        int written = MqttPacketWriter.WritePublish(output, head, "x"u8, version);
        Assert.Equal(written, MqttPacketWriter.SizeOfPublish(head, 1, version));
        MqttDecodeOptions client = version == MqttVersion.V5 ? Wire.ClientV5 : Wire.ClientV311;
        MqttPublishPacket back = Assert.IsType<MqttPublishPacket>(Wire.Decode(output.WrittenSpan.ToArray(), client));
        Assert.Equal((topic, alias), (back.Topic, back.Properties?.TopicAlias));
        Assert.Throws<MqttProtocolException>(() => MqttPacketWriter.SizeOfPublish(new MqttPublishHead { TopicAlias = 7 }, 1,
            MqttVersion.V311));
    }

    [Fact]
    public void Encoded_topic_and_user_properties_are_written_behind_the_others()
    {
        ArrayBufferWriter<byte> encoded = new();
        MqttPacketWriter.WriteUserProperty(encoded, "offset", "17");
        MqttPacketWriter.WriteUserProperty(encoded, "origin", "sj");
        MqttPublishHead head = new()
        {
            TopicUtf8 = "a/ü"u8.ToArray(),
            Properties = new MqttProperties { MessageExpiryInterval = 3 }.Add("first", "1"),
            EncodedProperties = encoded.WrittenMemory,
        };
        ArrayBufferWriter<byte> output = new();
        MqttPacketWriter.WritePublish(output, head, "x"u8, MqttVersion.V5);
        MqttPublishPacket back = Assert.IsType<MqttPublishPacket>(Wire.Decode(output.WrittenSpan.ToArray(), Wire.ClientV5));
        Assert.Equal("a/ü", back.Topic);
        Assert.Equal([new("first", "1"), new("offset", "17"), new("origin", "sj")], back.Properties!.UserProperties);
    }

    [Fact]
    public void The_longest_remaining_length_is_the_limit()
    {
        MqttPublishHead head = new() { Topic = "a" };
        const int largest = 268_435_455 - 3;
        Assert.Equal(268_435_460, MqttPacketWriter.SizeOfPublish(head, largest, MqttVersion.V311));
        MqttProtocolException e = Assert.Throws<MqttProtocolException>(
            () => MqttPacketWriter.SizeOfPublish(head, largest + 1, MqttVersion.V311));
        Assert.Equal(MqttReasonCode.PacketTooLarge, e.ReasonCode);
    }

    private static void Refused(MqttReasonCode code, MqttPacket packet)
    {
        Assert.Equal(code, Refused(packet, MqttVersion.V5).ReasonCode);
    }

    private static MqttProtocolException Refused(MqttPacket packet, MqttVersion version)
    {
        ArrayBufferWriter<byte> output = new();
        MqttProtocolException e = Assert.Throws<MqttProtocolException>(() => MqttPacketWriter.Write(output, packet, version));
        Assert.Equal(0, output.WrittenCount);
        return e;
    }
}
