using System.Buffers.Binary;
using System.Text;

namespace Streams.Core;

/// <summary>A producer for its whole life: 16 bytes, kept in its outbox. Text form: 32 hexadecimal digits.</summary>
public readonly record struct ProducerId(UInt128 Value) : IComparable<ProducerId>
{
    /// <summary>Bytes of the binary form.</summary>
    public const int Size = 16;

    /// <summary>A new random id.</summary>
    public static ProducerId Create(Random chance)
    {
        Span<byte> bytes = stackalloc byte[Size];
        chance.NextBytes(bytes);
        return Read(bytes);
    }

    /// <summary>The id of a device that has a name but no outbox of its own: the same name gives the same id everywhere.</summary>
    public static ProducerId ForName(string name)
    {
        byte[] hash = System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(name));
        return Read(hash);
    }

    /// <summary>Reads the 16 bytes of the binary form.</summary>
    public static ProducerId Read(ReadOnlySpan<byte> bytes) => new(BinaryPrimitives.ReadUInt128BigEndian(bytes));

    /// <summary>Writes the 16 bytes of the binary form.</summary>
    public void Write(Span<byte> bytes) => BinaryPrimitives.WriteUInt128BigEndian(bytes, Value);

    /// <inheritdoc/>
    public int CompareTo(ProducerId other) => Value.CompareTo(other.Value);

    /// <summary>32 hexadecimal digits.</summary>
    public override string ToString() => Value.ToString("x32", System.Globalization.CultureInfo.InvariantCulture);
}
