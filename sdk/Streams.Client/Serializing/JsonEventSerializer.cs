using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Streams.Client;

/// <summary>JSON by what System.Text.Json generated for a type.</summary>
internal sealed class JsonEventSerializer<T>(JsonTypeInfo<T> type) : IEventSerializer<T>
{
    private readonly JsonWriterOptions _options = new()
    {
        Encoder = type.Options.Encoder,
        Indented = type.Options.WriteIndented,
        MaxDepth = type.Options.MaxDepth,
        SkipValidation = true,
    };

    // One writer is kept: two threads at once, or a converter that publishes, find none and make their own.
    private Utf8JsonWriter? _spare;

    /// <inheritdoc/>
    public void Serialize(T value, IBufferWriter<byte> output)
    {
        Utf8JsonWriter? writer = Interlocked.Exchange(ref _spare, null);
        if (writer is null)
        {
            writer = new Utf8JsonWriter(output, _options);
        }
        else
        {
            writer.Reset(output);
        }

        try
        {
            JsonSerializer.Serialize(writer, value, type);
            writer.Flush();
        }
        finally
        {
            writer.Reset(Stream.Null);                           // holds on to nobody's buffer
            _spare = writer;
        }
    }

    /// <inheritdoc/>
    public T Deserialize(ReadOnlyMemory<byte> payload) => JsonSerializer.Deserialize(payload.Span, type)!;
}
