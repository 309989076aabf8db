namespace Streams.Mqtt;

/// <summary>Counts the bytes of properties and refuses those that may not stand where they are to be written.</summary>
internal struct PropertySizer : IPropertySink
{
    private readonly uint _place;
    private bool _hasSubscription;
    private bool _hasMethod;

    public PropertySizer(uint place)
    {
        _place = place;
    }

    public int Bytes { get; private set; }

    public void Byte(MqttPropertyId id, byte value) => Take(id, 1);

    public void UInt16(MqttPropertyId id, ushort value)
    {
        if (value == 0 && id is (MqttPropertyId.TopicAlias or MqttPropertyId.ReceiveMaximum))
        {
            throw Refuse.Protocol($"Property {id} is 0.");
        }

        Take(id, 2);
    }

    public void UInt32(MqttPropertyId id, uint value)
    {
        if (value == 0 && id == MqttPropertyId.MaximumPacketSize)
        {
            throw Refuse.Protocol($"Property {id} is 0.");
        }

        Take(id, 4);
    }

    public void Variable(MqttPropertyId id, uint value)
    {
        if (value is 0 or > VariableByteInteger.Maximum)
        {
            throw Refuse.Protocol($"Property {id} is {value}, not 1 to {VariableByteInteger.Maximum}.");
        }

        if (_hasSubscription && _place != PropertyTable.Place(MqttPacketType.Publish))
        {
            throw Refuse.Protocol($"Property {id} stands twice.");
        }

        _hasSubscription = true;
        Take(id, VariableByteInteger.Size(value));
    }

    public void Text(MqttPropertyId id, string value)
    {
        if (id == MqttPropertyId.ResponseTopic && TopicFilter.FaultInName(value) is { } fault)
        {
            throw new MqttProtocolException(MqttReasonCode.TopicNameInvalid, "Response topic: " + fault);
        }

        _hasMethod |= id == MqttPropertyId.AuthenticationMethod;
        Take(id, Utf8Text.PrefixedSize(value, "property"));
    }

    public void Binary(MqttPropertyId id, ReadOnlySpan<byte> value)
    {
        if (id == MqttPropertyId.AuthenticationData && !_hasMethod)
        {
            throw Refuse.Protocol("Authentication data without authentication method.");
        }

        Take(id, SpanWriter.BinarySize(value, "property"));
    }

    public void Pair(MqttPropertyId id, string name, string value) =>
        Take(id, Utf8Text.PrefixedSize(name, "user property name") + Utf8Text.PrefixedSize(value, "user property value"));

    private void Take(MqttPropertyId id, int bytes)
    {
        if ((PropertyTable.PlacesOf(id) & _place) == 0)
        {
            throw Refuse.Protocol($"Property {id} is not allowed in {PropertyTable.NameOf(_place)}.");
        }

        // Far above any packet, far below an overflow: the limit of the packet is checked on the sum.
        Bytes = Math.Min(Bytes + 1 + bytes, int.MaxValue / 4);
    }
}
