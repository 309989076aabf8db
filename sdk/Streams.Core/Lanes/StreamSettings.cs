using System.Buffers;

namespace Streams.Core;

/// <summary>When the events of a stream are acknowledged.</summary>
public enum Durability : byte
{
    /// <summary>When they are on stable storage. The default.</summary>
    Flushed = 0,

    /// <summary>When they were handed to the operating system: a crash of the program loses nothing, a power cut may lose the last
    /// moments of what was acknowledged. For those who choose it.</summary>
    Written = 1,
}

/// <summary>The settings of a stream. They travel as the register <c>settings</c> of the stream; of two written at once the later wins, but
/// for the partitions, which join to the greater number.</summary>
/// <param name="Partitions">How many partitions, 1 to 1024. May be raised, never lowered.</param>
public sealed record StreamSettings(int Partitions)
{
    /// <summary>The register that holds the settings.</summary>
    public const string RegisterKey = "settings";

    /// <summary>Partitions of a stream that was made by its first event. Every cluster and every SDK begins with this number,
    /// so that an event gets its partition before its producer has met a cluster.</summary>
    public const int DefaultPartitions = 4;

    /// <summary>Longest age that can be asked for: about 136 years.</summary>
    public static readonly TimeSpan MaxRetentionAge = TimeSpan.FromSeconds(uint.MaxValue);

    /// <summary>What a stream has that nobody configured.</summary>
    public static readonly StreamSettings Default = new(DefaultPartitions);

    private const byte FirstVersion = 1;                 // partitions alone
    private const byte Version = 2;

    /// <summary>How old events become before they may go, in whole seconds; <see langword="null"/> for ever, the default.</summary>
    public TimeSpan? RetentionAge { get; init; }

    /// <summary>How many bytes of log each lane of the stream keeps at least, before older ones may go; <see langword="null"/> all, the
    /// default.</summary>
    public long? RetentionBytes { get; init; }

    /// <summary>When events are acknowledged.</summary>
    public Durability Durability { get; init; }

    /// <summary>Whether events are kept for ever.</summary>
    public bool KeepsAll => RetentionAge is null && RetentionBytes is null;

    /// <summary>What is wrong with them; <see langword="null"/> when nothing is.</summary>
    public string? Fault =>
        Partitions is < 1 or > PartitionId.MaxCount ? $"partitions: {Partitions}, 1 to {PartitionId.MaxCount} are allowed"
        : RetentionAge is { } age && (age < TimeSpan.FromSeconds(1) || age > MaxRetentionAge || age.Ticks % TimeSpan.TicksPerSecond != 0)
            ? $"retention age: {age}, whole seconds from 1 to {uint.MaxValue} are allowed"
        : RetentionBytes is < 1 ? $"retention bytes: {RetentionBytes}, at least 1"
        : !Enum.IsDefined(Durability) ? $"durability: {(int)Durability} is none"
        : null;

    /// <summary>Writes the register's value.</summary>
    public byte[] Write()
    {
        ArrayBufferWriter<byte> output = new(32);
        ByteWriter writer = new(output);
        writer.Byte(Version);
        writer.UInt16((ushort)Partitions);
        writer.Varint((ulong)(RetentionAge?.TotalSeconds ?? 0));
        writer.Varint((ulong)(RetentionBytes ?? 0));
        writer.Byte((byte)Durability);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>Reads the register's value.</summary>
    public static bool TryRead(ReadOnlyMemory<byte> bytes, out StreamSettings? settings)
    {
        ByteReader reader = new(bytes);
        byte version = reader.Byte();
        settings = new StreamSettings(reader.UInt16());
        if (version != FirstVersion)
        {
            long seconds = reader.Varint(uint.MaxValue);
            long kept = reader.Varint(long.MaxValue);
            settings = settings with
            {
                RetentionAge = seconds == 0 ? null : TimeSpan.FromSeconds(seconds),
                RetentionBytes = kept == 0 ? null : kept,
                Durability = (Durability)reader.Byte(),
            };
        }

        if (!reader.AtEnd || version is not (FirstVersion or Version) || settings.Fault is not null)
        {
            settings = null;
        }

        return settings is not null;
    }

    /// <summary>The settings of which one part was written later than the other: the later ones, with the greater number of
    /// partitions.</summary>
    public static StreamSettings Join(StreamSettings later, StreamSettings earlier) =>
        later with { Partitions = Math.Max(later.Partitions, earlier.Partitions) };
}
