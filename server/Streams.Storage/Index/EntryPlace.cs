namespace Streams.Storage;

/// <summary>Where an entry stands in the log.</summary>
/// <param name="Position">Of its record; negative when the record is damaged or lost.</param>
/// <param name="BodyLength">Of its record.</param>
/// <param name="Checksum">CRC-32C of the entry's body, by which a fork of the lane is seen.</param>
/// <param name="BaseOffset">Of its first event.</param>
/// <param name="AppendedBy">The latest time of appending (microseconds since 1970) of this and all entries before it in the lane: it only
/// rises, whatever the origin's clock did, so it can be searched.</param>
internal readonly record struct EntryPlace(long Position, int BodyLength, uint Checksum, long BaseOffset, long AppendedBy = 0)
{
    public bool IsReadable => Position >= 0;

    /// <summary>Bytes of the log that it takes.</summary>
    public int Bytes => IsReadable ? RecordHeader.PaddedLength(BodyLength) : 0;
}
