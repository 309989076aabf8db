using System.Buffers;

namespace Streams.Client;

/// <summary>Turns values into payloads and back. Used by many threads at once.</summary>
/// <typeparam name="T">The values.</typeparam>
public interface IEventSerializer<T>
{
    /// <summary>Writes a value. What it throws is thrown to the publisher; nothing is published then.</summary>
    /// <param name="value">The value.</param>
    /// <param name="output">Takes the payload; it refuses more than an event may hold. Must not be kept.</param>
    void Serialize(T value, IBufferWriter<byte> output);

    /// <summary>Reads a value. Throws when the payload is none: the consumer is told so for that event alone
    /// (<see cref="ReceivedEvent{T}.Fault"/>), and goes on.</summary>
    /// <param name="payload">The payload. It does not change; a value may keep it.</param>
    T Deserialize(ReadOnlyMemory<byte> payload);
}
