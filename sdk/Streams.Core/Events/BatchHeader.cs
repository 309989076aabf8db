using System.Buffers.Binary;

namespace Streams.Core;

/// <summary>How a batch's body is compressed.</summary>
public enum BatchCompression : byte
{
    /// <summary>Not at all.</summary>
    None = 0,

    /// <summary>Raw deflate (RFC 1951).</summary>
    Deflate = 1,

    /// <summary>Brotli (RFC 7932).</summary>
    Brotli = 2,
}

/// <summary>The fixed head of a batch, 80 bytes; see docs/batch-format.md for the drawing.</summary>
public readonly record struct BatchHeader
{
    /// <summary>Bytes of the head.</summary>
    public const int Size = 80;

    /// <summary>The version written and read here.</summary>
    public const byte CurrentVersion = 1;

    private const byte TwinsFlag = 1;
    private const int CompressionShift = 1;
    private const byte CompressionMask = 0b110;

    /// <summary>Bytes of the whole batch, head included.</summary>
    public int TotalLength { get; init; }

    /// <summary>Events in the batch, at least 1.</summary>
    public int Count { get; init; }

    /// <summary>The producer.</summary>
    public ProducerId Producer { get; init; }

    /// <summary>The opening of the outbox in which the events got their sequences (rule R7).</summary>
    public ulong Epoch { get; init; }

    /// <summary>Sequence of the first event; the others follow without a gap.</summary>
    public long FirstSequence { get; init; }

    /// <summary>Epoch of the predecessor, or 0.</summary>
    public ulong PredecessorEpoch { get; init; }

    /// <summary>The sequence that the producer sent before this batch in this session, or 0 for the session's first (rule R2).</summary>
    public long PredecessorSequence { get; init; }

    /// <summary>Time base: microseconds since 1970.</summary>
    public long BaseTimestamp { get; init; }

    /// <summary>Bytes of the body before compression.</summary>
    public int BodyLength { get; init; }

    /// <summary>Compression of the body.</summary>
    public BatchCompression Compression { get; init; }

    /// <summary>Whether some of its events were sent before in another session without an answer (rule R18).</summary>
    public bool MayHaveTwins { get; init; }

    /// <summary>Sequence of the last event.</summary>
    public long LastSequence => FirstSequence + Count - 1;

    /// <summary>The run of sequences that the batch covers.</summary>
    public SequenceRun Run => new(Producer, Epoch, FirstSequence, LastSequence);

    /// <summary>Identity of the event at <paramref name="index"/>.</summary>
    public EventIdentity Identity(int index) => new(Producer, Epoch, FirstSequence + index);

    /// <summary>Writes the head; the checksum covers everything behind it, so the body must stand already.</summary>
    internal void Write(Span<byte> batch)
    {
        batch[0] = CurrentVersion;
        batch[1] = (byte)((MayHaveTwins ? TwinsFlag : 0) | ((byte)Compression << CompressionShift));
        BinaryPrimitives.WriteUInt16LittleEndian(batch[2..], Size);
        BinaryPrimitives.WriteInt32LittleEndian(batch[4..], TotalLength);
        BinaryPrimitives.WriteInt32LittleEndian(batch[12..], Count);
        Producer.Write(batch[16..]);
        BinaryPrimitives.WriteUInt64LittleEndian(batch[32..], Epoch);
        BinaryPrimitives.WriteInt64LittleEndian(batch[40..], FirstSequence);
        BinaryPrimitives.WriteUInt64LittleEndian(batch[48..], PredecessorEpoch);
        BinaryPrimitives.WriteInt64LittleEndian(batch[56..], PredecessorSequence);
        BinaryPrimitives.WriteInt64LittleEndian(batch[64..], BaseTimestamp);
        BinaryPrimitives.WriteInt32LittleEndian(batch[72..], BodyLength);
        BinaryPrimitives.WriteUInt32LittleEndian(batch[76..], 0);
        uint crc = Crc32C.Compute(batch[12..TotalLength], Crc32C.Compute(batch[..8]));
        BinaryPrimitives.WriteUInt32LittleEndian(batch[8..], crc);
    }

    /// <summary>Reads and checks a head and the checksum of the bytes it stands before; <paramref name="fault"/> says what is
    /// wrong.</summary>
    public static bool TryRead(ReadOnlySpan<byte> batch, out BatchHeader header, out string? fault)
    {
        header = default;
        fault = Fault(batch);
        if (fault is not null)
        {
            return false;
        }

        header = new BatchHeader
        {
            TotalLength = batch.Length,
            Count = BinaryPrimitives.ReadInt32LittleEndian(batch[12..]),
            Producer = ProducerId.Read(batch[16..]),
            Epoch = BinaryPrimitives.ReadUInt64LittleEndian(batch[32..]),
            FirstSequence = BinaryPrimitives.ReadInt64LittleEndian(batch[40..]),
            PredecessorEpoch = BinaryPrimitives.ReadUInt64LittleEndian(batch[48..]),
            PredecessorSequence = BinaryPrimitives.ReadInt64LittleEndian(batch[56..]),
            BaseTimestamp = BinaryPrimitives.ReadInt64LittleEndian(batch[64..]),
            BodyLength = BinaryPrimitives.ReadInt32LittleEndian(batch[72..]),
            Compression = (BatchCompression)((batch[1] & CompressionMask) >> CompressionShift),
            MayHaveTwins = (batch[1] & TwinsFlag) != 0,
        };
        fault = header.ValueFault();
        return fault is null;
    }

    private static string? Fault(ReadOnlySpan<byte> batch)
    {
        if (batch.Length < Size)
        {
            return $"batch: {batch.Length} bytes, the head alone takes {Size}";
        }

        if (batch.Length > EventLimits.MaxBatchBytes)
        {
            return $"batch: {batch.Length} bytes, at most {EventLimits.MaxBatchBytes} are allowed";
        }

        if (batch[0] != CurrentVersion)
        {
            return $"batch: version {batch[0]}, this program reads version {CurrentVersion}";
        }

        if ((batch[1] & ~(TwinsFlag | CompressionMask)) != 0 || BinaryPrimitives.ReadUInt16LittleEndian(batch[2..]) != Size
            || BinaryPrimitives.ReadUInt32LittleEndian(batch[76..]) != 0)
        {
            return "batch: unknown flags, head length or reserved bytes";
        }

        if (BinaryPrimitives.ReadInt32LittleEndian(batch[4..]) != batch.Length)
        {
            return $"batch: says {BinaryPrimitives.ReadInt32LittleEndian(batch[4..])} bytes, {batch.Length} are there";
        }

        uint crc = Crc32C.Compute(batch[12..], Crc32C.Compute(batch[..8]));
        return crc == BinaryPrimitives.ReadUInt32LittleEndian(batch[8..]) ? null : "batch: checksum does not match, the bytes are damaged";
    }

    /// <summary>Bytes that a batch takes unpacked, beside its own, by its word alone: nothing is checked. 0 when it is not
    /// compressed.</summary>
    public static int PeekUnpackedBytes(ReadOnlySpan<byte> batch) => batch.Length < Size || (batch[1] & CompressionMask) == 0 ? 0
        : Math.Clamp(BinaryPrimitives.ReadInt32LittleEndian(batch[72..]), 0, EventLimits.MaxBatchBytes);

    /// <summary>Whether a body of so many bytes may be packed into so few.</summary>
    internal static bool MayExpand(int packed, int body) =>
        body <= EventLimits.FreeExpansionBytes || body <= (long)packed * EventLimits.MaxExpansion;

    private string? ValueFault()
    {
        if (Count is < 1 or > EventLimits.MaxEvents)
        {
            return $"batch: {Count} events, 1 to {EventLimits.MaxEvents} are allowed";
        }

        if (FirstSequence < 1 || FirstSequence > long.MaxValue - Count)
        {
            return $"batch: first sequence {FirstSequence} is out of range";
        }

        if (PredecessorSequence < 0)
        {
            return $"batch: predecessor {PredecessorSequence} is out of range";
        }

        if (Compression > BatchCompression.Brotli)
        {
            return $"batch: unknown compression {(byte)Compression}";
        }

        if (Compression != BatchCompression.None && !MayExpand(TotalLength - Size, BodyLength))
        {
            return $"batch: {TotalLength - Size} bytes say to unpack to {BodyLength}, at most {EventLimits.MaxExpansion} times as many may";
        }

        return BodyLength < 0 || BodyLength > EventLimits.MaxBatchBytes
               || (Compression == BatchCompression.None && BodyLength != TotalLength - Size)
            ? $"batch: body length {BodyLength} is out of range"
            : null;
    }
}
