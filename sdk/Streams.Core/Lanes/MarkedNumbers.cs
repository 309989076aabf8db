using System.Buffers;
using System.Runtime.InteropServices;

namespace Streams.Core;

/// <summary>A set of small numbers as the value of a register. Its bytes: version 1, 16 bytes of the owner, varint count, the numbers in
/// order, each as varint of its distance from the one before (the first from 0). An empty set is an empty value.</summary>
/// <remarks>Numbers in use lie close together: about a byte each. Not safe for use by many threads.</remarks>
public sealed class MarkedNumbers
{
    /// <summary>Highest number: that of a packet identifier.</summary>
    public const int MaxNumber = ushort.MaxValue;

    /// <summary>Most numbers: so many fit a register's value however they lie.</summary>
    public const int MaxCount = 16_384;

    private const byte Version = 1;

    private readonly List<ushort> _numbers = [];

    /// <summary>An empty set.</summary>
    public MarkedNumbers(ProducerId owner) => Owner = owner;

    /// <summary>Whose numbers they are.</summary>
    public ProducerId Owner { get; }

    /// <summary>How many are marked.</summary>
    public int Count => _numbers.Count;

    /// <summary>The numbers, in order; valid until the set is changed.</summary>
    public ReadOnlySpan<ushort> Numbers => CollectionsMarshal.AsSpan(_numbers);

    /// <summary>The set that a register's value holds for this owner: empty when there is none, when it is another owner's, and when its
    /// bytes are no set.</summary>
    public static MarkedNumbers Of(ProducerId owner, ReadOnlyMemory<byte> value)
    {
        MarkedNumbers read = new(owner);
        return value.IsEmpty || !read.TryFill(value) ? new MarkedNumbers(owner) : read;
    }

    /// <summary>Whether a number is marked.</summary>
    public bool Contains(int number) => number is > 0 and <= MaxNumber && _numbers.BinarySearch((ushort)number) >= 0;

    /// <summary>Marks a number; false when it was.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is no number that can be marked.</exception>
    public bool Add(int number)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(number, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(number, MaxNumber);
        int at = _numbers.BinarySearch((ushort)number);
        if (at < 0)
        {
            _numbers.Insert(~at, (ushort)number);
        }

        return at < 0;
    }

    /// <summary>Takes a mark away; false when there was none.</summary>
    public bool Remove(int number)
    {
        int at = number is > 0 and <= MaxNumber ? _numbers.BinarySearch((ushort)number) : -1;
        if (at >= 0)
        {
            _numbers.RemoveAt(at);
        }

        return at >= 0;
    }

    /// <summary>The register's value.</summary>
    public byte[] Write()
    {
        if (_numbers.Count == 0)
        {
            return [];
        }

        ArrayBufferWriter<byte> output = new(32 + (2 * _numbers.Count));
        ByteWriter writer = new(output);
        writer.Byte(Version);
        writer.Producer(Owner);
        writer.Varint((ulong)_numbers.Count);
        int last = 0;
        foreach (ushort number in _numbers)
        {
            writer.Varint((ulong)(number - last));
            last = number;
        }

        return output.WrittenSpan.ToArray();
    }

    private bool TryFill(ReadOnlyMemory<byte> value)
    {
        ByteReader reader = new(value);
        bool isMine = reader.Byte() == Version && reader.Producer() == Owner;
        int count = (int)reader.Varint(MaxCount);
        long last = 0;
        for (int i = 0; i < count && !reader.Failed; i++)
        {
            long distance = reader.Varint(MaxNumber);
            last += distance;
            if (distance == 0 || last > MaxNumber)
            {
                return false;
            }

            _numbers.Add((ushort)last);
        }

        return isMine && reader.AtEnd;
    }
}
