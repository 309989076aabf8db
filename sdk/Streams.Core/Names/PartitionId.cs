using System.Globalization;

namespace Streams.Core;

/// <summary>The number of a partition inside its stream, from 0.</summary>
public readonly record struct PartitionId : IComparable<PartitionId>
{
    /// <summary>Most partitions of one stream: each has a lane for each origin, which thousands of clusters must keep.</summary>
    public const int MaxCount = 1024;

    /// <summary>A partition by number.</summary>
    /// <exception cref="InvalidNameException">Not within 0 to 1023.</exception>
    public PartitionId(int value)
    {
        if ((uint)value >= MaxCount)
        {
            throw new InvalidNameException($"partition {value}: must be 0 to {MaxCount - 1}");
        }

        Value = (ushort)value;
    }

    /// <summary>The number, 0 to 1023.</summary>
    public ushort Value { get; }

    /// <inheritdoc/>
    public int CompareTo(PartitionId other) => Value.CompareTo(other.Value);

    /// <summary>The number.</summary>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
