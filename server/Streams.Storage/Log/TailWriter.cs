using Streams.Core;

namespace Streams.Storage;

/// <summary>Writes the end of a segment once more.</summary>
/// <remarks>A killed process leaves its last group in the system's cache alone, and after a refused flush the cache may even take it for
/// clean. What was read and will be shown to others is written again: then the flush that follows is true for it.</remarks>
internal static class TailWriter
{
    private const int PieceBytes = 1 << 20;

    /// <exception cref="StorageFailedException">It cannot be read or written.</exception>
    public static void WriteAgain(ILogFile file, string name, long from, long end)
    {
        byte[] piece = new byte[Math.Min(PieceBytes, end - from)];
        for (long at = from; at < end;)
        {
            int length = (int)Math.Min(piece.Length, end - at);
            int read = file.Read(at, piece.AsSpan(0, length));
            if (read < length)
            {
                throw new StorageFailedException($"{name}: {read} of {length} bytes could be read at {at}");
            }

            file.Write(at, piece.AsSpan(0, length));
            at += length;
        }
    }
}
