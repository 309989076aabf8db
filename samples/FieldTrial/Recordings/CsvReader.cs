namespace FieldTrial;

/// <summary>Cuts comma-separated text (RFC 4180: quotes, doubled quotes, line ends within quotes; LF or CRLF) into records and
/// fields.</summary>
internal static class CsvReader
{
    /// <summary>Length of the record that begins at the head of <paramref name="text"/>, and with its line end.</summary>
    public static (int Length, int WithLineEnd) Record(ReadOnlySpan<byte> text)
    {
        bool quoted = false;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '"')
            {
                quoted = !quoted;
            }
            else if (text[i] == '\n' && !quoted)
            {
                return (i > 0 && text[i - 1] == '\r' ? i - 1 : i, i + 1);
            }
        }

        return (text.Length, text.Length);
    }

    /// <summary>The fields of a record. A field that is not quoted is a plain slice; a quoted one is unquoted into new memory.</summary>
    public static void Fields(ReadOnlyMemory<byte> record, List<ReadOnlyMemory<byte>> fields)
    {
        fields.Clear();
        int start = 0;
        while (true)
        {
            int end = FieldEnd(record.Span, start);
            fields.Add(Unquote(record[start..end]));
            if (end == record.Length)
            {
                return;
            }

            start = end + 1;
        }
    }

    private static int FieldEnd(ReadOnlySpan<byte> record, int start)
    {
        bool quoted = false;
        int at = start;
        for (; at < record.Length && (quoted || record[at] != ','); at++)
        {
            quoted ^= record[at] == '"';
        }

        return at;
    }

    private static ReadOnlyMemory<byte> Unquote(ReadOnlyMemory<byte> field)
    {
        ReadOnlySpan<byte> text = field.Span;
        if (text.Length < 2 || text[0] != '"' || text[^1] != '"')
        {
            return field;
        }

        byte[] plain = new byte[text.Length - 2];
        int length = 0;
        for (int i = 1; i < text.Length - 1; i++)
        {
            plain[length++] = text[i];
            i += text[i] == '"' && text[i + 1] == '"' ? 1 : 0;
        }

        return plain.AsMemory(0, length);
    }
}
