using Streams.Core;

namespace Streams.Storage;

/// <summary>Reads the directory of an index file: in the order of the log, the parts of lanes and the other records that lanes
/// need.</summary>
internal static class IndexDirectory
{
    /// <summary>Goes over a directory until its end or the first fault, and gives that.</summary>
    public static string? Walk(byte[] directory, Func<int, FilePartShape, string?> part,
        Func<RecordKind, ReadOnlyMemory<byte>, string?> record)
    {
        ByteReader reader = new(directory);
        while (reader.Remaining > 0)
        {
            RecordKind kind = (RecordKind)reader.Byte();
            string? fault;
            if (kind == RecordKind.LaneEntry)
            {
                int lane = (int)reader.Varint(int.MaxValue);
                FilePartShape shape = new(reader.Varint(long.MaxValue), (int)reader.Varint(int.MaxValue), reader.Varint(long.MaxValue),
                    reader.Varint(long.MaxValue), reader.Varint(long.MaxValue), reader.Varint(long.MaxValue), reader.SignedVarint(),
                    reader.SignedVarint(), (int)reader.Varint(int.MaxValue), (int)reader.Varint(int.MaxValue),
                    (int)reader.Varint(int.MaxValue), (int)reader.Varint(int.MaxValue));
                fault = reader.Failed ? "a row is malformed" : part(lane, shape);
            }
            else
            {
                ReadOnlyMemory<byte> body = reader.Block(RecordHeader.MaxBodyBytes);
                fault = reader.Failed ? "a row is malformed" : record(kind, body);
            }

            if (fault is not null)
            {
                return fault;
            }
        }

        return null;
    }
}
