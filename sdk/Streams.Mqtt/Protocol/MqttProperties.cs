namespace Streams.Mqtt;

/// <summary>
/// The MQTT 5 properties of one packet or will. <see langword="null"/> means absent; what absence stands for is told with each property.
/// A property that may not stand in the packet it is given to is refused by <see cref="MqttPacketWriter"/>. Dropped for 3.1.1.
/// Do not change an instance after giving it to a packet that others read.
/// </summary>
public sealed class MqttProperties
{
    private List<MqttUserProperty>? _user;
    private List<uint>? _subscriptions;

    /// <summary>PUBLISH, will: true when the payload is UTF-8 text; absent means unspecified bytes.</summary>
    public bool? PayloadIsText { get; set; }

    /// <summary>PUBLISH, will: seconds the message may wait; absent means it does not expire.</summary>
    public uint? MessageExpiryInterval { get; set; }

    /// <summary>PUBLISH, will: what the payload is.</summary>
    public string? ContentType { get; set; }

    /// <summary>PUBLISH, will: the topic to answer to; never with wildcards.</summary>
    public string? ResponseTopic { get; set; }

    /// <summary>PUBLISH, will: opaque bytes for the asker, at most 65,535. A copy: valid for ever.</summary>
    public byte[]? CorrelationData { get; set; }

    /// <summary>CONNECT, CONNACK, DISCONNECT: seconds the session outlives the connection; 0xFFFFFFFF is for ever; absent in CONNECT
    /// means 0.</summary>
    public uint? SessionExpiryInterval { get; set; }

    /// <summary>CONNACK: the identifier the server gave to a client that came without one.</summary>
    public string? AssignedClientIdentifier { get; set; }

    /// <summary>CONNACK: the keep alive in seconds the client must use instead of its own.</summary>
    public ushort? ServerKeepAlive { get; set; }

    /// <summary>CONNECT, CONNACK, AUTH: the name of the extended authentication method.</summary>
    public string? AuthenticationMethod { get; set; }

    /// <summary>CONNECT, CONNACK, AUTH: bytes of the method; not without a method. At most 65,535. A copy: valid for ever.</summary>
    public byte[]? AuthenticationData { get; set; }

    /// <summary>CONNECT: false asks the server for no reason strings and user properties on answers; absent means true.</summary>
    public bool? RequestProblemInformation { get; set; }

    /// <summary>Will: seconds the server waits before it publishes the will; absent means 0.</summary>
    public uint? WillDelayInterval { get; set; }

    /// <summary>CONNECT: true asks the server for response information; absent means false.</summary>
    public bool? RequestResponseInformation { get; set; }

    /// <summary>CONNACK: a hint for building response topics.</summary>
    public string? ResponseInformation { get; set; }

    /// <summary>CONNACK, DISCONNECT: the other server to use.</summary>
    public string? ServerReference { get; set; }

    /// <summary>Answers, DISCONNECT, AUTH: text for people, not for programs.</summary>
    public string? ReasonString { get; set; }

    /// <summary>CONNECT, CONNACK: how many unacknowledged QoS 1 and 2 messages the sender takes; never 0; absent means 65,535.</summary>
    public ushort? ReceiveMaximum { get; set; }

    /// <summary>CONNECT, CONNACK: the highest topic alias the sender takes; absent means 0, no aliases.</summary>
    public ushort? TopicAliasMaximum { get; set; }

    /// <summary>PUBLISH: a number that stands for the topic from here on; never 0.</summary>
    public ushort? TopicAlias { get; set; }

    /// <summary>CONNACK: the highest QoS the server takes, 0 or 1; absent means 2.</summary>
    public MqttQos? MaximumQos { get; set; }

    /// <summary>CONNACK: whether the server keeps retained messages; absent means true.</summary>
    public bool? RetainAvailable { get; set; }

    /// <summary>CONNECT, CONNACK: the largest packet, in bytes with headers, the sender takes; never 0; absent means no limit.</summary>
    public uint? MaximumPacketSize { get; set; }

    /// <summary>CONNACK: whether filters may have wildcards; absent means true.</summary>
    public bool? WildcardSubscriptionAvailable { get; set; }

    /// <summary>CONNACK: whether subscriptions may have identifiers; absent means true.</summary>
    public bool? SubscriptionIdentifierAvailable { get; set; }

    /// <summary>CONNACK: whether subscriptions may be shared; absent means true.</summary>
    public bool? SharedSubscriptionAvailable { get; set; }

    /// <summary>User properties in the order of the wire; never null.</summary>
    public IReadOnlyList<MqttUserProperty> UserProperties => _user ?? (IReadOnlyList<MqttUserProperty>)[];

    /// <summary>PUBLISH to a client: the identifiers of all matching subscriptions; SUBSCRIBE: none or one. 1 to 268,435,455.</summary>
    public IReadOnlyList<uint> SubscriptionIdentifiers => _subscriptions ?? (IReadOnlyList<uint>)[];

    internal List<MqttUserProperty>? UserList => _user;

    internal List<uint>? SubscriptionList => _subscriptions;

    /// <summary>Appends a user property. Returns this instance, to chain.</summary>
    public MqttProperties Add(string name, string value)
    {
        (_user ??= []).Add(new MqttUserProperty(name, value));
        return this;
    }

    /// <summary>Takes all user properties out but those of one name.</summary>
    public void RemoveUserProperties(string? except = null) =>
        _user?.RemoveAll(property => !string.Equals(property.Name, except, StringComparison.Ordinal));

    /// <summary>Appends a subscription identifier, 1 to 268,435,455. Returns this instance, to chain.</summary>
    public MqttProperties AddSubscription(uint identifier)
    {
        (_subscriptions ??= []).Add(identifier);
        return this;
    }

    /// <summary>The value of the first user property of this name, or <see langword="null"/>. Compares ordinally.</summary>
    public string? FirstUserValue(string name)
    {
        if (_user is not null)
        {
            foreach (MqttUserProperty property in _user)
            {
                if (string.Equals(property.Name, name, StringComparison.Ordinal))
                {
                    return property.Value;
                }
            }
        }

        return null;
    }
}
