using System.Buffers.Binary;

namespace Streams.Client;

/// <summary>A row as SQLite's file has it (its record format), taken apart; valid as long as its bytes are.</summary>
internal readonly ref struct KeptRecord
{
    /// <summary>More columns than any table here has.</summary>
    public const int MostColumns = 16;

    private readonly ReadOnlySpan<byte> _bytes;
    private readonly ReadOnlySpan<(long Type, int At)> _columns;

    private KeptRecord(ReadOnlySpan<byte> bytes, ReadOnlySpan<(long Type, int At)> columns)
    {
        _bytes = bytes;
        _columns = columns;
    }

    /// <summary>How many columns.</summary>
    public int Count => _columns.Length;

    /// <summary>Takes a record apart; one without columns when its bytes are none.</summary>
    public static KeptRecord Of(ReadOnlySpan<byte> bytes, Span<(long Type, int At)> columns)
    {
        int at = 0;
        if (!TryVarint(bytes, ref at, out long head) || head > bytes.Length || head < at)
        {
            return default;
        }

        long body = head;
        int count = 0;
        while (at < head)
        {
            if (count == columns.Length || !TryVarint(bytes[..(int)head], ref at, out long type) || type is < 0 or 10 or 11)
            {
                return default;
            }

            columns[count++] = (type, (int)body);
            body += SizeOf(type);
            if (body > bytes.Length)
            {
                return default;
            }
        }

        return body == bytes.Length ? new KeptRecord(bytes, columns[..count]) : default;
    }

    /// <summary>Whether a column holds nothing.</summary>
    public bool IsNull(int column) => _columns[column].Type == 0;

    /// <summary>Whether a column holds a number.</summary>
    public bool IsNumber(int column) => _columns[column].Type is >= 1 and <= 6 or 8 or 9;

    /// <summary>Whether a column holds bytes.</summary>
    public bool IsBlob(int column) => _columns[column].Type >= 12 && (_columns[column].Type & 1) == 0;

    /// <summary>Whether a column holds a text.</summary>
    public bool IsText(int column) => _columns[column].Type >= 13 && (_columns[column].Type & 1) == 1;

    /// <summary>A number, 0 where there is none.</summary>
    public long Number(int column)
    {
        (long type, int at) = _columns[column];
        ReadOnlySpan<byte> bytes = _bytes[at..];
        return type switch
        {
            1 => (sbyte)bytes[0],
            2 => BinaryPrimitives.ReadInt16BigEndian(bytes),
            3 => (BinaryPrimitives.ReadInt16BigEndian(bytes) << 8) | bytes[2],
            4 => BinaryPrimitives.ReadInt32BigEndian(bytes),
            5 => ((long)BinaryPrimitives.ReadInt16BigEndian(bytes) << 32) | BinaryPrimitives.ReadUInt32BigEndian(bytes[2..]),
            6 => BinaryPrimitives.ReadInt64BigEndian(bytes),
            9 => 1,
            _ => 0,
        };
    }

    /// <summary>Bytes of a blob or a text.</summary>
    public ReadOnlySpan<byte> Bytes(int column) => _bytes.Slice(_columns[column].At, (int)SizeOf(_columns[column].Type));

    /// <summary>A text.</summary>
    public string Text(int column) => System.Text.Encoding.UTF8.GetString(Bytes(column));

    /// <summary>Whether the columns are of these kinds: n a number, N a number or nothing, b bytes, t a text, - nothing.</summary>
    public bool Is(string kinds)
    {
        if (kinds.Length != Count)
        {
            return false;
        }

        for (int i = 0; i < kinds.Length; i++)
        {
            bool fits = kinds[i] switch
            {
                'n' => IsNumber(i),
                'N' => IsNumber(i) || IsNull(i),
                'b' => IsBlob(i),
                't' => IsText(i),
                '-' => IsNull(i),
                _ => true,
            };
            if (!fits)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Reads a number of SQLite's variable length.</summary>
    public static bool TryVarint(ReadOnlySpan<byte> bytes, ref int at, out long value)
    {
        ulong read = 0;
        for (int i = 0; i < 9 && at < bytes.Length; i++)
        {
            byte b = bytes[at++];
            if (i == 8)
            {
                value = unchecked((long)((read << 8) | b));
                return true;
            }

            read = (read << 7) | (b & 0x7Fu);
            if (b < 0x80)
            {
                value = (long)read;
                return true;
            }
        }

        value = 0;
        return false;
    }

    private static long SizeOf(long type) => type switch
    {
        <= 4 => type,
        5 => 6,
        6 or 7 => 8,
        8 or 9 => 0,
        _ => (type - 12) / 2,
    };
}
