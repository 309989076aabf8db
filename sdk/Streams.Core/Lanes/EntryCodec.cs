using System.Buffers;

namespace Streams.Core;

/// <summary>The bytes of a lane entry, the same in the container log and on links; drawn in docs/entry-format.md. Checksums are those of
/// the
/// record or frame around it, and a batch's own.</summary>
public static class EntryCodec
{
    private const byte Version = 1;

    /// <summary>Most bytes of an entry: a batch and its head.</summary>
    public const int MaxBytes = EventLimits.MaxBatchBytes + (128 << 10);

    /// <summary>Writes an entry.</summary>
    public static void Write(IBufferWriter<byte> output, LaneEntry entry)
    {
        ByteWriter writer = new(output);
        writer.Byte(Version);
        writer.Byte((byte)entry.Kind);
        writer.Entry(entry.Number);
        writer.Offset(entry.BaseOffset);
        writer.Varint((ulong)entry.EventCount);
        writer.SignedVarint(entry.AppendedAt);
        entry.After.Write(ref writer);
        entry.Path.Write(ref writer);
        writer.Bytes(entry.Body.Span);
    }

    /// <summary>Reads an entry that takes all of <paramref name="bytes"/>; its body is a slice of them.</summary>
    /// <remarks>The head is checked; the body is not, beyond that an events entry begins like a batch of the same count.</remarks>
    public static bool TryRead(ReadOnlyMemory<byte> bytes, out LaneEntry? entry, out string? fault)
    {
        ByteReader reader = new(bytes);
        byte version = reader.Byte();
        EntryKind kind = (EntryKind)reader.Byte();
        LaneEntry candidate = new()
        {
            Kind = kind,
            Number = reader.Entry(),
            BaseOffset = reader.Offset(),
            EventCount = (int)reader.Varint(EventLimits.MaxEvents),
            AppendedAt = reader.SignedVarint(),
            After = AfterVector.Read(ref reader),
            Path = ReplicationPath.Read(ref reader),
            Body = reader.Rest(),
        };
        fault = reader.Failed ? "entry: head is torn or malformed"
            : version != Version ? $"entry: version {version}, this program reads version {Version}"
            : kind is < EntryKind.Events or > EntryKind.Registers ? $"entry: unknown kind {(byte)kind}"
            : (kind == EntryKind.Events) != (candidate.EventCount > 0) ? $"entry: {candidate.EventCount} events in an entry of kind {kind}"
            : candidate.Body.Length > EventLimits.MaxBatchBytes
                ? $"entry: body of {candidate.Body.Length} bytes, at most {EventLimits.MaxBatchBytes}"
            : null;
        entry = fault is null ? candidate : null;
        return fault is null;
    }
}
