using static Streams.Mqtt.MqttPropertyId;

namespace Streams.Mqtt;

/// <summary>What a walk over the properties of a packet is done for: to count bytes or to write them.</summary>
internal interface IPropertySink
{
    void Byte(MqttPropertyId id, byte value);

    void UInt16(MqttPropertyId id, ushort value);

    void UInt32(MqttPropertyId id, uint value);

    void Variable(MqttPropertyId id, uint value);

    void Text(MqttPropertyId id, string value);

    void Binary(MqttPropertyId id, ReadOnlySpan<byte> value);

    void Pair(MqttPropertyId id, string name, string value);
}

/// <summary>Walks over properties in the order of their identifiers.</summary>
internal static class PropertyWriter
{
    /// <summary>The bytes of the block without its own length. Refuses properties that may not stand in this place.</summary>
    public static int Size(MqttProperties? properties, uint place)
    {
        if (properties is null)
        {
            return 0;
        }

        PropertySizer sizer = new(place);
        Walk(properties, ref sizer);
        return sizer.Bytes;
    }

    /// <summary>Writes the block with its length; <paramref name="size"/> is what <see cref="Size"/> gave.</summary>
    public static void Write(ref SpanWriter target, MqttProperties? properties, int size)
    {
        target.Variable((uint)size);
        WriteBare(ref target, properties);
    }

    public static void WriteBare(ref SpanWriter target, MqttProperties? properties)
    {
        if (properties is not null)
        {
            Walk(properties, ref target);
        }
    }

    private static void Walk<TSink>(MqttProperties p, ref TSink sink)
        where TSink : struct, IPropertySink, allows ref struct
    {
        Flag(ref sink, PayloadFormatIndicator, p.PayloadIsText);
        UInt32(ref sink, MessageExpiryInterval, p.MessageExpiryInterval);
        Text(ref sink, ContentType, p.ContentType);
        Text(ref sink, ResponseTopic, p.ResponseTopic);
        Binary(ref sink, CorrelationData, p.CorrelationData);
        if (p.SubscriptionList is { } subscriptions)
        {
            foreach (uint identifier in subscriptions)
            {
                sink.Variable(SubscriptionIdentifier, identifier);
            }
        }

        UInt16(ref sink, TopicAlias, p.TopicAlias);
        Text(ref sink, ReasonString, p.ReasonString);
        WalkConnection(p, ref sink);
        if (p.UserList is { } user)
        {
            foreach (MqttUserProperty property in user)
            {
                sink.Pair(UserProperty, property.Name, property.Value);
            }
        }
    }

    private static void WalkConnection<TSink>(MqttProperties p, ref TSink sink)
        where TSink : struct, IPropertySink, allows ref struct
    {
        UInt32(ref sink, SessionExpiryInterval, p.SessionExpiryInterval);
        Text(ref sink, AssignedClientIdentifier, p.AssignedClientIdentifier);
        UInt16(ref sink, ServerKeepAlive, p.ServerKeepAlive);
        Text(ref sink, AuthenticationMethod, p.AuthenticationMethod);
        Binary(ref sink, AuthenticationData, p.AuthenticationData);
        Flag(ref sink, RequestProblemInformation, p.RequestProblemInformation);
        UInt32(ref sink, WillDelayInterval, p.WillDelayInterval);
        Flag(ref sink, RequestResponseInformation, p.RequestResponseInformation);
        Text(ref sink, ResponseInformation, p.ResponseInformation);
        Text(ref sink, ServerReference, p.ServerReference);
        UInt16(ref sink, ReceiveMaximum, p.ReceiveMaximum);
        UInt16(ref sink, TopicAliasMaximum, p.TopicAliasMaximum);
        if (p.MaximumQos is { } qos and < MqttQos.ExactlyOnce)
        {
            sink.Byte(MaximumQos, (byte)qos);
        }

        Flag(ref sink, RetainAvailable, p.RetainAvailable);
        UInt32(ref sink, MaximumPacketSize, p.MaximumPacketSize);
        Flag(ref sink, WildcardSubscriptionAvailable, p.WildcardSubscriptionAvailable);
        Flag(ref sink, SubscriptionIdentifierAvailable, p.SubscriptionIdentifierAvailable);
        Flag(ref sink, SharedSubscriptionAvailable, p.SharedSubscriptionAvailable);
    }

    private static void Flag<TSink>(ref TSink sink, MqttPropertyId id, bool? value)
        where TSink : struct, IPropertySink, allows ref struct
    {
        if (value is { } set)
        {
            sink.Byte(id, set ? (byte)1 : (byte)0);
        }
    }

    private static void UInt16<TSink>(ref TSink sink, MqttPropertyId id, ushort? value)
        where TSink : struct, IPropertySink, allows ref struct
    {
        if (value is { } set)
        {
            sink.UInt16(id, set);
        }
    }

    private static void UInt32<TSink>(ref TSink sink, MqttPropertyId id, uint? value)
        where TSink : struct, IPropertySink, allows ref struct
    {
        if (value is { } set)
        {
            sink.UInt32(id, set);
        }
    }

    private static void Text<TSink>(ref TSink sink, MqttPropertyId id, string? value)
        where TSink : struct, IPropertySink, allows ref struct
    {
        if (value is not null)
        {
            sink.Text(id, value);
        }
    }

    private static void Binary<TSink>(ref TSink sink, MqttPropertyId id, byte[]? value)
        where TSink : struct, IPropertySink, allows ref struct
    {
        if (value is not null)
        {
            sink.Binary(id, value);
        }
    }
}
