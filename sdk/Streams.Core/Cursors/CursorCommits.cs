using System.Buffers;

namespace Streams.Core;

/// <summary>The body of an entry of kind <see cref="EntryKind.Cursors"/>: where consumers are in the partition of the lane.</summary>
public static class CursorCommits
{
    /// <summary>Most commits in one entry.</summary>
    public const int MaxCount = 4096;

    /// <summary>Writes the body.</summary>
    public static byte[] Write(IReadOnlyCollection<KeyValuePair<ConsumerName, Cursor>> commits)
    {
        ArrayBufferWriter<byte> output = new();
        ByteWriter writer = new(output);
        writer.Varint((ulong)commits.Count);
        foreach ((ConsumerName name, Cursor cursor) in commits)
        {
            writer.Text(name.Value);
            cursor.Write(ref writer);
        }

        return output.WrittenSpan.ToArray();
    }

    /// <summary>Reads the body; false when it is malformed.</summary>
    public static bool TryRead(ReadOnlyMemory<byte> body, out List<KeyValuePair<ConsumerName, Cursor>> commits)
    {
        ByteReader reader = new(body);
        int count = (int)reader.Varint(MaxCount);
        commits = [];
        for (int i = 0; i < count && !reader.Failed; i++)
        {
            ConsumerName name = reader.Consumer();
            commits.Add(new(name, Cursor.Read(ref reader)));
        }

        return reader.AtEnd;
    }
}
