namespace Streams.Mqtt;

/// <summary>The variable byte integer of MQTT: seven bits per byte, lowest first, at most four bytes.</summary>
internal static class VariableByteInteger
{
    public const int Maximum = 268_435_455;

    public static int Size(uint value) => value switch
    {
        < 1 << 7 => 1,
        < 1 << 14 => 2,
        < 1 << 21 => 3,
        _ => 4,
    };

    /// <summary>Writes a value of at most <see cref="Maximum"/>; returns the bytes used.</summary>
    public static int Write(Span<byte> target, uint value)
    {
        int at = 0;
        while (value >= 0x80)
        {
            target[at++] = (byte)(value | 0x80);
            value >>= 7;
        }

        target[at++] = (byte)value;
        return at;
    }
}
