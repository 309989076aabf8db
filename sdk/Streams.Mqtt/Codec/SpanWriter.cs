using System.Buffers.Binary;

namespace Streams.Mqtt;

/// <summary>Writes fields into a span whose size was computed before.</summary>
internal ref struct SpanWriter : IPropertySink
{
    private readonly Span<byte> _target;

    public SpanWriter(Span<byte> target)
    {
        _target = target;
    }

    public int Written { get; private set; }

    public static int BinarySize(ReadOnlySpan<byte> value, string what) => value.Length <= ushort.MaxValue
        ? value.Length + 2
        : throw Refuse.Malformed($"The {what} has {value.Length} bytes, more than {ushort.MaxValue}.");

    public void Byte(byte value) => _target[Written++] = value;

    public void UInt16(ushort value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(_target[Written..], value);
        Written += 2;
    }

    public void UInt32(uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(_target[Written..], value);
        Written += 4;
    }

    public void Variable(uint value) => Written += VariableByteInteger.Write(_target[Written..], value);

    public void Text(string value)
    {
        int bytes = Utf8Text.Encode(value, _target[(Written + 2)..]);
        BinaryPrimitives.WriteUInt16BigEndian(_target[Written..], (ushort)bytes);
        Written += bytes + 2;
    }

    public void Binary(ReadOnlySpan<byte> value)
    {
        UInt16((ushort)value.Length);
        Raw(value);
    }

    public void Raw(ReadOnlySpan<byte> value)
    {
        value.CopyTo(_target[Written..]);
        Written += value.Length;
    }

    public void Byte(MqttPropertyId id, byte value)
    {
        Byte((byte)id);
        Byte(value);
    }

    public void UInt16(MqttPropertyId id, ushort value)
    {
        Byte((byte)id);
        UInt16(value);
    }

    public void UInt32(MqttPropertyId id, uint value)
    {
        Byte((byte)id);
        UInt32(value);
    }

    public void Variable(MqttPropertyId id, uint value)
    {
        Byte((byte)id);
        Variable(value);
    }

    public void Text(MqttPropertyId id, string value)
    {
        Byte((byte)id);
        Text(value);
    }

    public void Binary(MqttPropertyId id, ReadOnlySpan<byte> value)
    {
        Byte((byte)id);
        Binary(value);
    }

    public void Pair(MqttPropertyId id, string name, string value)
    {
        Byte((byte)id);
        Text(name);
        Text(value);
    }
}
