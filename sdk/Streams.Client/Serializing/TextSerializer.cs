using System.Buffers;
using System.Text;

namespace Streams.Client;

/// <summary>Text as UTF-8, strictly.</summary>
internal sealed class TextSerializer : IEventSerializer<string>
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <inheritdoc/>
    public void Serialize(string value, IBufferWriter<byte> output)
    {
        int bytes = Strict.GetByteCount(value);
        if (bytes > 0)
        {
            Strict.GetBytes(value, output.GetSpan(bytes));
            output.Advance(bytes);
        }
    }

    /// <inheritdoc/>
    public string Deserialize(ReadOnlyMemory<byte> payload) => Strict.GetString(payload.Span);
}
