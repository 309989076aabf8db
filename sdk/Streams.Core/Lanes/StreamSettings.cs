namespace Streams.Core;

/// <summary>The settings of a stream. They travel as the register <c>settings</c> of the stream and join when two clusters create it at
/// once.</summary>
/// <param name="Partitions">How many partitions, 1 to 1024. May be raised, never lowered: settings join to the greater number.</param>
public sealed record StreamSettings(int Partitions)
{
    /// <summary>The register that holds the settings.</summary>
    public const string RegisterKey = "settings";

    /// <summary>Partitions of a stream that was made by its first event. Every cluster and every SDK begins with this number,
    /// so that an event gets its partition before its producer has met a cluster.</summary>
    public const int DefaultPartitions = 4;

    private const byte Version = 1;

    /// <summary>What a stream has that nobody configured.</summary>
    public static readonly StreamSettings Default = new(DefaultPartitions);

    /// <summary>Writes the register's value.</summary>
    public byte[] Write() => [Version, (byte)Partitions, (byte)(Partitions >> 8)];

    /// <summary>Reads the register's value.</summary>
    public static bool TryRead(ReadOnlyMemory<byte> bytes, out StreamSettings? settings)
    {
        ByteReader reader = new(bytes);
        byte version = reader.Byte();
        int partitions = reader.UInt16();
        settings = reader.AtEnd && version == Version && partitions is >= 1 and <= PartitionId.MaxCount ? new StreamSettings(partitions)
            : null;
        return settings is not null;
    }
}
