using System.Buffers.Binary;

namespace Streams.Core;

/// <summary>Batches of several producers and partitions in one message. The cluster acts on them in their order, as if each had come
/// alone, flushes what it takes, and answers all of them with one PUBACK (<see cref="BundleAnswers"/>).</summary>
public static class Bundle
{
    /// <summary>The version written. Later versions only add at the end, so every reader reads the part that it knows.</summary>
    public const byte Version = 1;

    /// <summary>Most batches of one bundle: their answers fit some tens of KiB.</summary>
    public const int MaxBatches = 1024;

    /// <summary>Writes what stands before the batches.</summary>
    public static void WriteHead(ref ByteWriter writer, int batches)
    {
        writer.Byte(Version);
        writer.UInt16((ushort)batches);
    }

    /// <summary>Corrects the number of batches in a bundle that was begun before they were counted.</summary>
    public static void SetCount(Span<byte> bundle, int batches) => BinaryPrimitives.WriteUInt16LittleEndian(bundle[1..], (ushort)batches);

    /// <summary>Writes one batch: the bytes of a <see cref="ProduceRequest"/>.</summary>
    public static void WriteBatch(ref ByteWriter writer, ReadOnlySpan<byte> request) => writer.Block(request);

    /// <summary>Reads a bundle: the bytes of its <see cref="ProduceRequest"/>s, which are not looked at; <see langword="null"/> when it is
    /// malformed or empty.</summary>
    public static IReadOnlyList<ReadOnlyMemory<byte>>? Read(ReadOnlyMemory<byte> payload)
    {
        ByteReader reader = new(payload);
        byte version = reader.Byte();
        int count = reader.UInt16();
        if (count > MaxBatches)
        {
            reader.Fail();
        }

        List<ReadOnlyMemory<byte>> batches = [];
        for (int i = 0; i < count && !reader.Failed; i++)
        {
            batches.Add(reader.Block(int.MaxValue));
        }

        return VersionedEnd.IsWhole(reader, version, Version) && count > 0 ? batches : null;
    }
}
