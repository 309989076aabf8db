using System.Buffers;
using System.Text.Json.Serialization.Metadata;

namespace Streams.Client;

/// <summary>The serializers that come with the client. None of them uses reflection.</summary>
public static class EventSerializer
{
    /// <summary>Payloads as they are.</summary>
    public static IEventSerializer<ReadOnlyMemory<byte>> Bytes { get; } = From<ReadOnlyMemory<byte>>(
        static (value, output) => output.Write(value.Span), static payload => payload);

    /// <summary>Text as UTF-8. Bytes that are none are no value.</summary>
    public static IEventSerializer<string> Text { get; } = new TextSerializer();

    /// <summary>JSON by generated code: <c>EventSerializer.Json(MyContext.Default.Telemetry)</c>.</summary>
    /// <param name="type">What System.Text.Json generated for the type.</param>
    public static IEventSerializer<T> Json<T>(JsonTypeInfo<T> type)
    {
        ArgumentNullException.ThrowIfNull(type);
        return new JsonEventSerializer<T>(type);
    }

    /// <summary>Any other format: a function that writes into a buffer and one that reads, such as those that protobuf and MessagePack
    /// generate.</summary>
    /// <param name="write">As <see cref="IEventSerializer{T}.Serialize"/>.</param>
    /// <param name="read">As <see cref="IEventSerializer{T}.Deserialize"/>.</param>
    public static IEventSerializer<T> From<T>(Action<T, IBufferWriter<byte>> write, Func<ReadOnlyMemory<byte>, T> read)
    {
        ArgumentNullException.ThrowIfNull(write);
        ArgumentNullException.ThrowIfNull(read);
        return new FunctionSerializer<T>(write, read);
    }

    private sealed class FunctionSerializer<T>(Action<T, IBufferWriter<byte>> write, Func<ReadOnlyMemory<byte>, T> read)
        : IEventSerializer<T>
    {
        public void Serialize(T value, IBufferWriter<byte> output) => write(value, output);

        public T Deserialize(ReadOnlyMemory<byte> payload) => read(payload);
    }
}
