using System.Buffers;
using System.Text;

namespace Streams.Mqtt.Tests;

/// <summary>Random valid packets of every type, from a seed. Each property comes with a chance of one half.</summary>
internal sealed class PacketSource
{
    private static readonly MqttReasonCode[] s_codes = Enum.GetValues<MqttReasonCode>();
    private readonly Random _random;
    private readonly bool _v5;

    public PacketSource(int seed, MqttVersion version)
    {
        _random = new Random(seed);
        _v5 = version == MqttVersion.V5;
    }

    public static IEnumerable<(MqttPacketType Type, MqttRole Receiver)> Kinds(MqttVersion version)
    {
        foreach (MqttPacketType type in Enum.GetValues<MqttPacketType>())
        {
            foreach (MqttRole receiver in Enum.GetValues<MqttRole>())
            {
                bool fromClient = type is MqttPacketType.Connect or MqttPacketType.Subscribe or MqttPacketType.Unsubscribe
                    or MqttPacketType.Pingreq || (type == MqttPacketType.Disconnect && version == MqttVersion.V311);
                bool fromServer = type is MqttPacketType.Connack or MqttPacketType.Suback or MqttPacketType.Unsuback
                    or MqttPacketType.Pingresp;
                bool none = type == MqttPacketType.Auth && version == MqttVersion.V311;
                if (!none && !(fromClient && receiver == MqttRole.Client) && !(fromServer && receiver == MqttRole.Server))
                {
                    yield return (type, receiver);
                }
            }
        }
    }

    public MqttPacket Next(MqttPacketType type, MqttRole receiver) => type switch
    {
        MqttPacketType.Connect => Connect(),
        MqttPacketType.Connack => Connack(),
        MqttPacketType.Publish => Publish(receiver),
        MqttPacketType.Puback => new MqttPubackPacket { PacketId = Id(), ReasonCode = Code(type, receiver), Properties = Answer() },
        MqttPacketType.Pubrec => new MqttPubrecPacket { PacketId = Id(), ReasonCode = Code(type, receiver), Properties = Answer() },
        MqttPacketType.Pubrel => new MqttPubrelPacket { PacketId = Id(), ReasonCode = Code(type, receiver), Properties = Answer() },
        MqttPacketType.Pubcomp => new MqttPubcompPacket { PacketId = Id(), ReasonCode = Code(type, receiver), Properties = Answer() },
        MqttPacketType.Subscribe => Subscribe(),
        MqttPacketType.Suback => new MqttSubackPacket { PacketId = Id(), ReasonCodes = Codes(type), Properties = Answer() },
        MqttPacketType.Unsubscribe => new MqttUnsubscribePacket
        {
            PacketId = Id(),
            Filters = [.. Enumerable.Range(0, _random.Next(1, 4)).Select(_ => Filter())],
            Properties = Properties(User),
        },
        MqttPacketType.Unsuback => new MqttUnsubackPacket
        {
            PacketId = Id(),
            ReasonCodes = _v5 ? Codes(type) : [],
            Properties = Answer(),
        },
        MqttPacketType.Pingreq => MqttPingreqPacket.Instance,
        MqttPacketType.Pingresp => MqttPingrespPacket.Instance,
        MqttPacketType.Disconnect => Disconnect(receiver),
        _ => new MqttAuthPacket { ReasonCode = Code(type, receiver), Properties = Authentication() },
    };

    public string Text()
    {
        const string letters = "aB7-_ äß€/漢😀\uFEFF";
        StringBuilder text = new();
        for (int i = _random.Next(0, 12); i > 0; i--)
        {
            int at = _random.Next(letters.Length);
            text.Append(char.IsSurrogate(letters[at]) ? "😀" : letters[at].ToString());
        }

        return text.ToString();
    }

    private MqttConnectPacket Connect()
    {
        bool hasUser = Coin();
        return new MqttConnectPacket
        {
            Version = _v5 ? MqttVersion.V5 : MqttVersion.V311,
            CleanStart = Coin(),
            ClientId = Text() + "id",
            KeepAliveSeconds = (ushort)_random.Next(65_536),
            UserName = hasUser ? Text() : null,
            Password = Coin() && (_v5 || hasUser) ? Binary() : null,
            Will = Coin() ? Will() : null,
            Properties = Properties(p =>
            {
                Maybe(() => p.SessionExpiryInterval = UInt32());
                Maybe(() => p.ReceiveMaximum = Id());
                Maybe(() => p.MaximumPacketSize = UInt32() | 1);
                Maybe(() => p.TopicAliasMaximum = Id());
                Maybe(() => p.RequestProblemInformation = Coin());
                Maybe(() => p.RequestResponseInformation = Coin());
                Maybe(() => p.AuthenticationMethod = Text());
                Maybe(() => p.AuthenticationData = p.AuthenticationMethod is null ? null : Binary());
                User(p);
            }),
        };
    }

    private MqttWill Will() => new()
    {
        Topic = Topic(),
        Payload = Binary(),
        Qos = Qos(),
        Retain = Coin(),
        Properties = Properties(p =>
        {
            Message(p);
            Maybe(() => p.WillDelayInterval = UInt32());
        }),
    };

    private MqttConnackPacket Connack()
    {
        MqttReasonCode code = Code(MqttPacketType.Connack, MqttRole.Client);
        return new MqttConnackPacket
        {
            ReasonCode = _v5 ? code : Pick(MqttReasonCode.Success, MqttReasonCode.ServerUnavailable, MqttReasonCode.NotAuthorized),
            SessionPresent = false,
            Properties = Properties(p =>
            {
                Maybe(() => p.SessionExpiryInterval = UInt32());
                Maybe(() => p.ReceiveMaximum = Id());
                Maybe(() => p.MaximumPacketSize = UInt32() | 1);
                Maybe(() => p.TopicAliasMaximum = Id());
                Maybe(() => p.MaximumQos = Pick(MqttQos.AtMostOnce, MqttQos.AtLeastOnce));
                Maybe(() => p.RetainAvailable = Coin());
                Maybe(() => p.AssignedClientIdentifier = Text());
                Maybe(() => p.WildcardSubscriptionAvailable = Coin());
                Maybe(() => p.SubscriptionIdentifierAvailable = Coin());
                Maybe(() => p.SharedSubscriptionAvailable = Coin());
                Maybe(() => p.ServerKeepAlive = Id());
                Maybe(() => p.ResponseInformation = Text());
                Maybe(() => p.ServerReference = Text());
                Maybe(() => p.ReasonString = Text());
                Maybe(() => p.AuthenticationMethod = Text());
                Maybe(() => p.AuthenticationData = p.AuthenticationMethod is null ? null : Binary());
                User(p);
            }),
        };
    }

    private MqttPublishPacket Publish(MqttRole receiver)
    {
        MqttQos qos = Qos();
        MqttProperties? properties = Properties(p =>
        {
            Message(p);
            Maybe(() => p.TopicAlias = Id());
            for (int i = receiver == MqttRole.Client ? _random.Next(4) : 0; i > 0; i--)
            {
                p.AddSubscription((uint)_random.Next(1, 268_435_456));
            }
        });
        return new MqttPublishPacket
        {
            Topic = properties?.TopicAlias is not null && Coin() ? "" : Topic(),
            Payload = new ReadOnlySequence<byte>(Binary()),
            Qos = qos,
            Retain = Coin(),
            Duplicate = qos != MqttQos.AtMostOnce && Coin(),
            PacketId = qos == MqttQos.AtMostOnce ? (ushort)0 : Id(),
            Properties = properties,
        };
    }

    private MqttSubscribePacket Subscribe() => new()
    {
        PacketId = Id(),
        Subscriptions =
        [
            .. Enumerable.Range(0, _random.Next(1, 4)).Select(_ => new MqttSubscription(Filter(), Qos())
            {
                NoLocal = _v5 && Coin(),
                RetainAsPublished = _v5 && Coin(),
                RetainHandling = _v5
                    ? Pick(MqttRetainHandling.Send, MqttRetainHandling.SendIfNew, MqttRetainHandling.DoNotSend)
                    : MqttRetainHandling.Send,
            }),
            new MqttSubscription("$share/group/" + Filter(), Qos()),
        ],
        Properties = Properties(p =>
        {
            Maybe(() => p.AddSubscription((uint)_random.Next(1, 268_435_456)));
            User(p);
        }),
    };

    private MqttDisconnectPacket Disconnect(MqttRole receiver) => new()
    {
        ReasonCode = _v5 ? Code(MqttPacketType.Disconnect, receiver) : MqttReasonCode.Success,
        Properties = Properties(p =>
        {
            Maybe(() => p.SessionExpiryInterval = receiver == MqttRole.Server ? UInt32() : null);
            Maybe(() => p.ServerReference = Text());
            Maybe(() => p.ReasonString = Text());
            User(p);
        }),
    };

    private MqttProperties Authentication()
    {
        MqttProperties p = new() { AuthenticationMethod = Text() };
        Maybe(() => p.AuthenticationData = Binary());
        Maybe(() => p.ReasonString = Text());
        User(p);
        return p;
    }

    private MqttProperties? Answer() => Properties(p =>
    {
        Maybe(() => p.ReasonString = Text());
        User(p);
    });

    private void Message(MqttProperties p)
    {
        Maybe(() => p.PayloadIsText = Coin());
        Maybe(() => p.MessageExpiryInterval = UInt32());
        Maybe(() => p.ContentType = Text());
        Maybe(() => p.ResponseTopic = Topic());
        Maybe(() => p.CorrelationData = Binary());
        User(p);
    }

    private void User(MqttProperties p)
    {
        for (int i = _random.Next(4); i > 0; i--)
        {
            p.Add(Pick("same", Text()), Text());
        }
    }

    // Null when the packet would carry none: absent and empty are the same on the wire.
    private MqttProperties? Properties(Action<MqttProperties> fill)
    {
        MqttProperties properties = new();
        fill(properties);
        return _v5 && PacketText.Of(properties) != PacketText.Of(new MqttProperties()) ? properties : null;
    }

    private MqttReasonCode Code(MqttPacketType type, MqttRole receiver)
    {
        if (!_v5)
        {
            return MqttReasonCode.Success;
        }

        return Pick([.. s_codes.Where(c => ReasonCodes.IsAllowed(type, c, receiver))]);
    }

    private MqttReasonCode[] Codes(MqttPacketType type) => _v5
        ? [.. Enumerable.Range(0, _random.Next(1, 5)).Select(_ => Code(type, MqttRole.Client))]
        : [Pick(MqttReasonCode.Success, MqttReasonCode.GrantedQos1, MqttReasonCode.GrantedQos2, MqttReasonCode.UnspecifiedError)];

    private string Topic() => "t/" + Text();

    private string Filter() => Pick("#", "+", "a/+/#", "+/b", "t/" + Text());

    private MqttQos Qos() => (MqttQos)_random.Next(3);

    private ushort Id() => (ushort)_random.Next(1, 65_536);

    private uint UInt32() => (uint)_random.NextInt64(0, 1L << 32);

    private byte[] Binary()
    {
        byte[] bytes = new byte[_random.Next(0, 40)];
        _random.NextBytes(bytes);
        return bytes;
    }

    private bool Coin() => _random.Next(2) == 0;

    private void Maybe(Action action)
    {
        if (Coin())
        {
            action();
        }
    }

    private T Pick<T>(params T[] choices) => choices[_random.Next(choices.Length)];
}
