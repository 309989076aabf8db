using Streams.Core;

namespace Streams.Cli;

/// <summary>What <c>publish</c> is given: one payload again and again, lines, or events of an export.</summary>
internal static class PublishInput
{
    private const int MaxLineBytes = 4 << 20;                  // base64 of the largest payload, and the rest of an exported event

    /// <summary>The same payload so many times.</summary>
    public static async IAsyncEnumerable<EventLine> Repeat(TopicName topic, byte[] payload, long count)
    {
        await Task.CompletedTask;
        for (long i = 0; i < count; i++)
        {
            yield return new EventLine(null, topic, [], [], payload, null);
        }
    }

    /// <summary>A payload for each line.</summary>
    /// <exception cref="CliException">A line is too long.</exception>
    public static async IAsyncEnumerable<EventLine> Lines(Stream input, TopicName topic,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (byte[] line in ReadLinesAsync(input, cancellationToken))
        {
            yield return new EventLine(null, topic, [], [], line, null);
        }
    }

    /// <summary>The events of an export.</summary>
    /// <exception cref="CliException">A line is no event.</exception>
    public static async IAsyncEnumerable<EventLine> Exported(Stream input,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        long number = 0;
        await foreach (byte[] line in ReadLinesAsync(input, cancellationToken))
        {
            number++;
            if (line.AsSpan().Trim((byte)' ').IsEmpty)
            {
                continue;
            }

            EventLine read;
            try
            {
                read = EventJson.Read(System.Text.Encoding.UTF8.GetString(line));
            }
            catch (FormatException e)
            {
                throw new CliException(ExitCode.Usage, $"line {number} of the export: {e.Message.ReplaceLineEndings(" ")}");
            }

            yield return read;
        }
    }

    private static async IAsyncEnumerable<byte[]> ReadLinesAsync(Stream input,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[64 << 10];
        int filled = 0;
        long number = 1;
        while (true)
        {
            // Reading a terminal or a pipe cannot be cancelled: it is left behind.
            int read = await input.ReadAsync(buffer.AsMemory(filled), cancellationToken).AsTask().WaitAsync(cancellationToken);
            filled += read;
            int start = 0;
            for (int end; (end = Array.IndexOf(buffer, (byte)'\n', start, filled - start)) >= 0; start = end + 1, number++)
            {
                yield return Line(buffer, start, end);
            }

            if (read == 0)
            {
                if (filled > start)
                {
                    yield return Line(buffer, start, filled);
                }

                yield break;
            }

            Array.Copy(buffer, start, buffer, 0, filled -= start);
            if (filled == buffer.Length)
            {
                if (filled >= MaxLineBytes)
                {
                    throw new CliException(ExitCode.Usage, $"line {number} of the input is longer than {MaxLineBytes} bytes");
                }

                Array.Resize(ref buffer, 2 * filled);
            }
        }
    }

    private static byte[] Line(byte[] buffer, int start, int end) =>
        buffer[start..(end > start && buffer[end - 1] == (byte)'\r' ? end - 1 : end)];
}
