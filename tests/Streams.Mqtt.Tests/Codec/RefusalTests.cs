using static Streams.Mqtt.MqttReasonCode;

namespace Streams.Mqtt.Tests;

/// <summary>Bad packets by hand: each is refused with the reason code the peer is to be told.</summary>
public class RefusalTests
{
    [Theory]
    [InlineData("00 00", MalformedPacket, "type 0 is reserved")]
    [InlineData("11 00", MalformedPacket, "CONNECT flags")]
    [InlineData("36 07 0003 612F62 0001 00", MalformedPacket, "QoS 3")]
    [InlineData("38 06 0003 612F62 00", MalformedPacket, "duplicate with QoS 0")]
    [InlineData("60 02 0001", MalformedPacket, "PUBREL flags must be 2")]
    [InlineData("80 06 0001 00 0001 61 00", MalformedPacket, "SUBSCRIBE flags must be 2")]
    [InlineData("A0 06 0001 00 0001 61", MalformedPacket, "UNSUBSCRIBE flags must be 2")]
    [InlineData("41 02 0001", MalformedPacket, "PUBACK flags")]
    [InlineData("C1 00", MalformedPacket, "PINGREQ flags")]
    [InlineData("E2 00", MalformedPacket, "DISCONNECT flags")]
    [InlineData("F1 00", MalformedPacket, "AUTH flags")]
    [InlineData("30 FFFFFFFF 01", MalformedPacket, "remaining length of five bytes")]
    [InlineData("C0 80 00", MalformedPacket, "remaining length padded")]
    [InlineData("C0 01 00", MalformedPacket, "PINGREQ with a body")]
    [InlineData("20 03 00 00 00", ProtocolError, "CONNACK to a server")]
    [InlineData("90 04 0001 00 00", ProtocolError, "SUBACK to a server")]
    [InlineData("B0 04 0001 00 00", ProtocolError, "UNSUBACK to a server")]
    [InlineData("D0 00", ProtocolError, "PINGRESP to a server")]
    [InlineData("10 0D 0004 4D515454 05 02 0000 00 0000", ProtocolError, "second CONNECT")]
    [InlineData("30 03 0000 00", ProtocolError, "empty topic without alias")]
    [InlineData("30 06 0003 612B62 00", TopicNameInvalid, "wildcard + in a topic name")]
    [InlineData("30 06 0003 612F23 00", TopicNameInvalid, "wildcard # in a topic name")]
    [InlineData("30 06 0003 610062 00", MalformedPacket, "U+0000 in a topic name")]
    [InlineData("30 06 0003 EDA080 00", MalformedPacket, "surrogate in UTF-8")]
    [InlineData("30 05 0002 C0AF 00", MalformedPacket, "overlong UTF-8")]
    [InlineData("30 05 0002 61FF 00", MalformedPacket, "byte that UTF-8 has not")]
    [InlineData("30 07 0004 F4908080 00", MalformedPacket, "above U+10FFFF")]
    [InlineData("30 05 0002 E282 00", MalformedPacket, "cut UTF-8")]
    [InlineData("30 03 0009 61", MalformedPacket, "topic longer than the packet")]
    [InlineData("30 01 00", MalformedPacket, "half a length")]
    [InlineData("32 06 0001 61 0000 00", ProtocolError, "packet identifier 0")]
    [InlineData("32 03 0001 61", MalformedPacket, "no packet identifier")]
    [InlineData("30 03 0001 61", MalformedPacket, "no property length")]
    [InlineData("30 08 0001 61 80808080 00", MalformedPacket, "property length of five bytes")]
    [InlineData("30 05 0001 61 8000", MalformedPacket, "property length padded")]
    [InlineData("30 05 0001 61 05 01", MalformedPacket, "properties longer than the packet")]
    [InlineData("30 06 0001 61 02 0401", MalformedPacket, "unknown property 4")]
    [InlineData("30 07 0001 61 03 800100", MalformedPacket, "property identifier 128")]
    [InlineData("30 09 0001 61 05 1100000001", MalformedPacket, "session expiry in PUBLISH")]
    [InlineData("30 05 0001 61 01 01", MalformedPacket, "property without value")]
    [InlineData("30 06 0001 61 02 0102", ProtocolError, "payload format 2")]
    [InlineData("30 08 0001 61 04 0100 0101", ProtocolError, "payload format twice")]
    [InlineData("30 0E 0001 61 0A 0200000001 0200000001", ProtocolError, "message expiry twice")]
    [InlineData("30 07 0001 61 03 230000", TopicAliasInvalid, "topic alias 0")]
    [InlineData("30 06 0001 61 02 0B01", ProtocolError, "subscription identifier from a client")]
    [InlineData("30 08 0001 61 04 0800 0123", TopicNameInvalid, "wildcard in the response topic")]
    [InlineData("30 07 0001 61 03 080000", TopicNameInvalid, "empty response topic")]
    [InlineData("30 0B 0001 61 07 26 0001 61 0001 00", MalformedPacket, "U+0000 in a user property")]
    [InlineData("40 02 0000", ProtocolError, "PUBACK of packet 0")]
    [InlineData("40 01 00", MalformedPacket, "PUBACK too short")]
    [InlineData("40 03 0001 92", MalformedPacket, "reason code of another packet")]
    [InlineData("50 03 0001 01", MalformedPacket, "PUBREC with a SUBACK code")]
    [InlineData("62 03 0001 87", MalformedPacket, "PUBREL not authorized")]
    [InlineData("70 03 0001 FF", MalformedPacket, "unknown reason code")]
    [InlineData("40 05 0001 00 00 00", MalformedPacket, "bytes behind PUBACK")]
    [InlineData("40 0B 0001 00 07 11000000 001F00", MalformedPacket, "session expiry in PUBACK")]
    [InlineData("82 03 0001 00", ProtocolError, "SUBSCRIBE without filter")]
    [InlineData("82 07 0000 00 0001 61 00", ProtocolError, "SUBSCRIBE packet 0")]
    [InlineData("82 07 0001 00 0001 61 03", ProtocolError, "subscription QoS 3")]
    [InlineData("82 07 0001 00 0001 61 30", ProtocolError, "retain handling 3")]
    [InlineData("82 07 0001 00 0001 61 40", MalformedPacket, "reserved subscription bit 6")]
    [InlineData("82 07 0001 00 0001 61 80", MalformedPacket, "reserved subscription bit 7")]
    [InlineData("82 06 0001 00 0001 61", MalformedPacket, "filter without options")]
    [InlineData("82 06 0001 00 0000 00", TopicFilterInvalid, "empty filter")]
    [InlineData("82 09 0001 00 0003 612362 00", TopicFilterInvalid, "# inside a level")]
    [InlineData("82 09 0001 00 0003 232F61 00", TopicFilterInvalid, "# not last")]
    [InlineData("82 08 0001 00 0002 612B 00", TopicFilterInvalid, "+ inside a level")]
    [InlineData("82 10 0001 00 000A 2473686172652F672F61 04", ProtocolError, "No Local on a shared subscription")]
    [InlineData("82 0E 0001 00 0008 2473686172652F67 00", TopicFilterInvalid, "share without filter")]
    [InlineData("82 09 0001 02 0B00 0001 61 00", ProtocolError, "subscription identifier 0")]
    [InlineData("82 0B 0001 04 0B01 0B02 0001 61 00", ProtocolError, "subscription identifier twice")]
    [InlineData("82 0B 0001 06 0B8080808001 0001", MalformedPacket, "subscription identifier of five bytes")]
    [InlineData("A2 03 0001 00", ProtocolError, "UNSUBSCRIBE without filter")]
    [InlineData("A2 06 0000 00 0001 61", ProtocolError, "UNSUBSCRIBE packet 0")]
    [InlineData("A2 05 0001 00 0000", TopicFilterInvalid, "UNSUBSCRIBE of an empty filter")]
    [InlineData("E0 01 8B", MalformedPacket, "a client does not shut a server down")]
    [InlineData("E0 01 01", MalformedPacket, "DISCONNECT with a SUBACK code")]
    [InlineData("E0 03 00 00 00", MalformedPacket, "bytes behind DISCONNECT")]
    [InlineData("F0 00", MalformedPacket, "AUTH success from a client")]
    [InlineData("F0 02 18 00", ProtocolError, "AUTH without method")]
    [InlineData("F0 01 18", MalformedPacket, "AUTH without properties")]
    [InlineData("F0 06 18 04 16 0001 01", ProtocolError, "AUTH data without method")]
    public void A_server_of_version_5_refuses(string hex, MqttReasonCode code, string why)
    {
        Check(Wire.Bytes(hex), Wire.ServerV5, code, why);
    }

    [Theory]
    [InlineData("20 03 02 00 00", MalformedPacket, "reserved acknowledge flags")]
    [InlineData("20 03 01 87 00", ProtocolError, "refused with session")]
    [InlineData("20 03 00 01 00", MalformedPacket, "reason code not of CONNACK")]
    [InlineData("20 02 00 00", MalformedPacket, "no properties")]
    [InlineData("20 06 00 00 03 210000", ProtocolError, "receive maximum 0")]
    [InlineData("20 08 00 00 05 2700000000", ProtocolError, "maximum packet size 0")]
    [InlineData("20 05 00 00 02 2402", ProtocolError, "maximum QoS 2")]
    [InlineData("20 05 00 00 02 2502", ProtocolError, "retain available 2")]
    [InlineData("20 05 00 00 02 2802", ProtocolError, "wildcards available 2")]
    [InlineData("20 05 00 00 02 2902", ProtocolError, "subscription identifiers available 2")]
    [InlineData("20 05 00 00 02 2A02", ProtocolError, "shared subscriptions available 2")]
    [InlineData("20 05 00 00 02 1701", MalformedPacket, "request problem information in CONNACK")]
    [InlineData("90 03 0001 00", ProtocolError, "SUBACK without code")]
    [InlineData("90 04 0001 00 03", MalformedPacket, "SUBACK code 3")]
    [InlineData("90 04 0000 00 00", ProtocolError, "SUBACK packet 0")]
    [InlineData("B0 04 0001 00 01", MalformedPacket, "UNSUBACK with granted QoS")]
    [InlineData("C0 00", ProtocolError, "PINGREQ to a client")]
    [InlineData("82 07 0001 00 0001 61 00", ProtocolError, "SUBSCRIBE to a client")]
    [InlineData("A2 06 0001 00 0001 61", ProtocolError, "UNSUBSCRIBE to a client")]
    [InlineData("E0 01 04", MalformedPacket, "a server has no will")]
    [InlineData("E0 07 00 05 1100000001", ProtocolError, "session expiry from a server")]
    [InlineData("F0 0B 19 09 15 0001 78 16 0002 0102", MalformedPacket, "re-authenticate from a server")]
    [InlineData("30 06 0001 61 02 0B00", ProtocolError, "subscription identifier 0")]
    public void A_client_of_version_5_refuses(string hex, MqttReasonCode code, string why)
    {
        Check(Wire.Bytes(hex), Wire.ClientV5, code, why);
    }

    [Theory]
    [InlineData("30 02 0000", TopicNameInvalid, "empty topic")]
    [InlineData("40 03 0001 00", MalformedPacket, "PUBACK with a reason code")]
    [InlineData("82 05 0001 0001 61", MalformedPacket, "filter without QoS")]
    [InlineData("82 06 0001 0001 61 03", MalformedPacket, "QoS 3")]
    [InlineData("82 06 0001 0001 61 04", MalformedPacket, "reserved bits")]
    [InlineData("E0 01 00", MalformedPacket, "DISCONNECT with a reason code")]
    [InlineData("F0 00", ProtocolError, "AUTH")]
    public void A_server_of_version_311_refuses(string hex, MqttReasonCode code, string why)
    {
        Check(Wire.Bytes(hex), Wire.ServerV311, code, why);
    }

    [Theory]
    [InlineData("20 02 00 06", MalformedPacket, "return code 6")]
    [InlineData("20 03 00 00 00", MalformedPacket, "CONNACK with properties")]
    [InlineData("90 03 0001 03", MalformedPacket, "SUBACK code 3")]
    [InlineData("90 02 0001", ProtocolError, "SUBACK without code")]
    [InlineData("B0 03 0001 00", MalformedPacket, "UNSUBACK with a code")]
    [InlineData("E0 00", ProtocolError, "DISCONNECT from a server")]
    public void A_client_of_version_311_refuses(string hex, MqttReasonCode code, string why)
    {
        Check(Wire.Bytes(hex), Wire.ClientV311, code, why);
    }

    [Theory]
    [InlineData("'MQTT' 05 01 0000 00 ''", MalformedPacket, "reserved connect flag")]
    [InlineData("'MQTT' 05 0A 0000 00 ''", MalformedPacket, "will QoS without will")]
    [InlineData("'MQTT' 05 22 0000 00 ''", MalformedPacket, "will retain without will")]
    [InlineData("'MQTT' 05 1E 0000 00 '' 00 'w' 0000", MalformedPacket, "will QoS 3")]
    [InlineData("'MQTT' 05 06 0000 00 '' 00 '' 0000", TopicNameInvalid, "empty will topic")]
    [InlineData("'MQTT' 05 06 0000 00 '' 00 'a/#' 0000", TopicNameInvalid, "wildcard in the will topic")]
    [InlineData("'MQTT' 05 06 0000 00 '' 03 230001 'w' 0000", MalformedPacket, "topic alias in the will")]
    [InlineData("'MQTT' 05 06 0000 00 '' 00 'w'", MalformedPacket, "no will payload")]
    [InlineData("'MQTT' 05 82 0000 00 ''", MalformedPacket, "no user name")]
    [InlineData("'MQTT' 05 42 0000 00 ''", MalformedPacket, "no password")]
    [InlineData("'MQTT' 05 02 0000 00 '' 00", MalformedPacket, "bytes behind CONNECT")]
    [InlineData("'MQTT' 05 02 0000 05 1800000001 ''", MalformedPacket, "will delay outside the will")]
    [InlineData("'MQTT' 05 02 0000 02 1702 ''", ProtocolError, "request problem information 2")]
    [InlineData("'MQTT' 05 02 0000 02 1902 ''", ProtocolError, "request response information 2")]
    [InlineData("'MQTT' 05 02 0000 03 210000 ''", ProtocolError, "receive maximum 0")]
    [InlineData("'MQTT' 05 02 0000 04 16 0001 01 ''", ProtocolError, "authentication data without method")]
    [InlineData("'MQTT' 05 02 0000 08 15 'a' 15 'b' ''", ProtocolError, "authentication method twice")]
    [InlineData("'MQTT' 04 00 0000 ''", ClientIdentifierNotValid, "3.1.1 empty identifier without clean session")]
    [InlineData("'MQTT' 04 42 0000 '' 0000", MalformedPacket, "3.1.1 password without user name")]
    [InlineData("'MQTT' 03 02 0000 ''", UnsupportedProtocolVersion, "level 3 under the new name")]
    [InlineData("'MQTT' 06 02 0000 00 ''", UnsupportedProtocolVersion, "level 6")]
    [InlineData("'MQTT' 84 02 0000 ''", UnsupportedProtocolVersion, "bridge bit")]
    [InlineData("'MQIsdp' 03 02 0000 'c'", UnsupportedProtocolVersion, "MQTT 3.1")]
    [InlineData("'HTTP' 05 02 0000 00 ''", UnsupportedProtocolVersion, "another protocol")]
    [InlineData("'MQT", MalformedPacket, "cut protocol name")]
    public void A_new_connection_is_refused(string body, MqttReasonCode code, string why)
    {
        byte[] bytes = body == "'MQT" ? Wire.Bytes("10 04 0004 4D51") : Wire.Packet(0x10, body);
        Check(bytes, Wire.NewServer, code, why);
    }

    [Theory]
    [InlineData("'MQIsdp' 03 02 0000 'c'", MqttVersion.V311)]
    [InlineData("'MQTT' 06 02 0000 00 ''", MqttVersion.V5)]
    [InlineData("'MQTT' 05 01 0000 00 ''", MqttVersion.V5)]
    [InlineData("'MQTT' 04 01 0000 ''", MqttVersion.V311)]
    public void A_refused_connect_tells_in_which_version_to_answer(string body, MqttVersion version)
    {
        Assert.Equal(version, Wire.Refused(Wire.Packet(0x10, body), Wire.NewServer).AnswerIn);
    }

    [Theory]
    [InlineData("C0 00")]
    [InlineData("30 03 0001 61")]
    [InlineData("E0 00")]
    public void The_first_packet_must_be_connect(string hex)
    {
        Assert.Equal(ProtocolError, Wire.Refused(Wire.Bytes(hex), Wire.NewServer).ReasonCode);
    }

    [Fact]
    public void A_packet_over_the_maximum_is_refused_by_its_header_alone()
    {
        MqttDecodeOptions options = Wire.ServerV5 with { MaximumPacketSize = 100 };
        Assert.Equal(PacketTooLarge, Wire.Refused(Wire.Bytes("30 63"), options).ReasonCode);
        Assert.Equal(PacketTooLarge, Wire.Refused(Wire.Bytes("30 FFFFFF7F"), options).ReasonCode);
        System.Buffers.ReadOnlySequence<byte> allowed = new(Wire.Bytes("30 62"));
        Assert.False(MqttPacketReader.TryRead(ref allowed, options, out _));
    }

    [Fact]
    public void Type_and_flags_are_refused_by_the_first_byte_alone()
    {
        Assert.Equal(MalformedPacket, Wire.Refused([0x36], Wire.ServerV5).ReasonCode);
        Assert.Equal(ProtocolError, Wire.Refused([0x20], Wire.ServerV5).ReasonCode);
        Assert.Equal(ProtocolError, Wire.Refused([0x30], Wire.NewServer).ReasonCode);
    }

    [Fact]
    public void Items_of_one_packet_are_limited()
    {
        MqttDecodeOptions options = Wire.ServerV5 with { MaximumItems = 2 };
        Assert.Equal(QuotaExceeded, Wire.Refused(Wire.Packet(0x30, "'a' 0F 2600000000 2600000000 2600000000"), options).ReasonCode);
        Assert.Equal(QuotaExceeded, Wire.Refused(Wire.Packet(0x82, "0001 00 'a' 00 'b' 00 'c' 00"), options).ReasonCode);
        Assert.Equal(QuotaExceeded, Wire.Refused(Wire.Packet(0xA2, "0001 00 'a' 'b' 'c'"), options).ReasonCode);
        MqttDecodeOptions client = Wire.ClientV5 with { MaximumItems = 2 };
        Assert.Equal(QuotaExceeded, Wire.Refused(Wire.Packet(0x30, "'a' 06 0B01 0B02 0B03"), client).ReasonCode);
        Assert.Equal(QuotaExceeded, Wire.Refused(Wire.Packet(0x90, "0001 00 00 00 00"), client).ReasonCode);
        Wire.Decode(Wire.Packet(0x30, "'a' 0A 2600000000 2600000000"), options);
    }

    [Fact]
    public void Every_property_but_the_repeatable_is_refused_twice_wherever_it_may_stand()
    {
        foreach (MqttPropertyId id in Enum.GetValues<MqttPropertyId>().Where(i => i != MqttPropertyId.UserProperty))
        {
            foreach ((byte first, string head, string tail, MqttDecodeOptions options, uint place) in Places())
            {
                string one = ((byte)id).ToString("X2", null) + ValueOf(id);
                bool allowed = (PropertyTable.PlacesOf(id) & place) != 0;
                byte[] once = Wire.Packet(first, head + Block(one) + tail);
                if (!allowed)
                {
                    Assert.Equal(MalformedPacket, Wire.Refused(once, options).ReasonCode);
                }
                else if (id != MqttPropertyId.SubscriptionIdentifier || place != PropertyTable.Place(MqttPacketType.Publish))
                {
                    byte[] twice = Wire.Packet(first, head + Block(one + one) + tail);
                    MqttReasonCode code = Wire.Refused(twice, options).ReasonCode;
                    Assert.True(code == ProtocolError, $"{id} twice in {PropertyTable.NameOf(place)}: {code}");
                }
            }
        }
    }

    private static void Check(byte[] bytes, MqttDecodeOptions options, MqttReasonCode code, string why)
    {
        MqttProtocolException e = Wire.Refused(bytes, options);
        Assert.True(e.ReasonCode == code, $"{why}: {e.ReasonCode}, {e.Message}");
    }

    private static string Block(string properties) => (Wire.Bytes(properties).Length).ToString("X2", null) + properties;

    private static string ValueOf(MqttPropertyId id) => id switch
    {
        MqttPropertyId.PayloadFormatIndicator or MqttPropertyId.MaximumQos or MqttPropertyId.RetainAvailable
            or MqttPropertyId.RequestProblemInformation or MqttPropertyId.RequestResponseInformation
            or MqttPropertyId.WildcardSubscriptionAvailable or MqttPropertyId.SubscriptionIdentifierAvailable
            or MqttPropertyId.SharedSubscriptionAvailable or MqttPropertyId.SubscriptionIdentifier => "01",
        MqttPropertyId.ServerKeepAlive or MqttPropertyId.ReceiveMaximum or MqttPropertyId.TopicAliasMaximum
            or MqttPropertyId.TopicAlias => "0001",
        MqttPropertyId.MessageExpiryInterval or MqttPropertyId.SessionExpiryInterval or MqttPropertyId.WillDelayInterval
            or MqttPropertyId.MaximumPacketSize => "00000001",
        _ => "000161",
    };

    private static IEnumerable<(byte First, string Head, string Tail, MqttDecodeOptions Options, uint Place)> Places()
    {
        yield return (0x10, "'MQTT' 05 02 0000 ", "''", Wire.NewServer, PropertyTable.Place(MqttPacketType.Connect));
        yield return (0x10, "'MQTT' 05 06 0000 00 '' ", "'w' 0000", Wire.NewServer, PropertyTable.Will);
        yield return (0x20, "00 00 ", "", Wire.ClientV5, PropertyTable.Place(MqttPacketType.Connack));
        yield return (0x30, "'a' ", "", Wire.ClientV5, PropertyTable.Place(MqttPacketType.Publish));
        yield return (0x40, "0001 00 ", "", Wire.ClientV5, PropertyTable.Place(MqttPacketType.Puback));
        yield return (0x50, "0001 00 ", "", Wire.ClientV5, PropertyTable.Place(MqttPacketType.Pubrec));
        yield return (0x62, "0001 00 ", "", Wire.ClientV5, PropertyTable.Place(MqttPacketType.Pubrel));
        yield return (0x70, "0001 00 ", "", Wire.ClientV5, PropertyTable.Place(MqttPacketType.Pubcomp));
        yield return (0x82, "0001 ", "'a' 00", Wire.ServerV5, PropertyTable.Place(MqttPacketType.Subscribe));
        yield return (0x90, "0001 ", "00", Wire.ClientV5, PropertyTable.Place(MqttPacketType.Suback));
        yield return (0xA2, "0001 ", "'a'", Wire.ServerV5, PropertyTable.Place(MqttPacketType.Unsubscribe));
        yield return (0xB0, "0001 ", "00", Wire.ClientV5, PropertyTable.Place(MqttPacketType.Unsuback));
        yield return (0xE0, "00 ", "", Wire.ServerV5, PropertyTable.Place(MqttPacketType.Disconnect));
        yield return (0xF0, "18 ", "", Wire.ServerV5, PropertyTable.Place(MqttPacketType.Auth));
    }
}
