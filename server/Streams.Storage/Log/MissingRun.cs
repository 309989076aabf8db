using System.Buffers;
using Streams.Core;

namespace Streams.Storage;

/// <summary>Entries of a lane that are not there, as the log records it.</summary>
/// <param name="First">The first of them.</param>
/// <param name="Next">The entry behind the last of them.</param>
/// <param name="NextOffset">Offset behind their events.</param>
/// <param name="IsLost">Whether they were declared lost here; else they came as a gap inside the lane, and are asked for.</param>
internal sealed record MissingRun(long First, long Next, long NextOffset, bool IsLost)
{
    /// <summary>Most entries of a run: each costs some bytes of memory, and no log loses more at once.</summary>
    public const int MaxEntries = 1 << 20;

    /// <summary>Whether so many entries can hold so many events.</summary>
    public static bool IsPossible(long entries, long events) =>
        entries is > 0 and <= MaxEntries && events >= 0 && events <= entries * EventLimits.MaxEvents;

    public void Write(IBufferWriter<byte> output, int lane)
    {
        ByteWriter writer = new(output);
        writer.Varint((ulong)lane);
        writer.Varint((ulong)First);
        writer.Varint((ulong)Next);
        writer.Varint((ulong)NextOffset);
        writer.Byte(IsLost ? (byte)1 : (byte)0);
    }

    public static bool TryRead(ReadOnlyMemory<byte> body, out int lane, out MissingRun run)
    {
        ByteReader reader = new(body);
        lane = (int)reader.Varint(int.MaxValue);
        run = new MissingRun(reader.Varint(long.MaxValue), reader.Varint(long.MaxValue), reader.Varint(long.MaxValue), reader.Byte() == 1);
        return reader.AtEnd && run.Next > run.First && run.Next - run.First <= MaxEntries;
    }
}
