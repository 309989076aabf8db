using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>One verb of the SDK's protocol.</summary>
internal interface ISdkHandler
{
    /// <summary>Its topic.</summary>
    string Topic { get; }

    /// <summary>Does what must be over before the message, and those behind it, are begun. Seldom anything.</summary>
    ValueTask PrepareAsync(MqttSession session, ReadOnlyMemory<byte> payload) => ValueTask.CompletedTask;

    /// <summary>Bytes held from its beginning to its answer.</summary>
    int Held(ReadOnlyMemory<byte> payload) => payload.Length;

    /// <summary>Handles a message: what must keep the order of the messages before it first waits. Completes with the answer.</summary>
    Task<Answer> HandleAsync(MqttSession session, ReadOnlyMemory<byte> payload);
}

/// <summary>Answers that several verbs give.</summary>
internal static class SdkAnswers
{
    /// <summary>The payload is no message of its kind.</summary>
    public static Answer Malformed(string kind) => new(MqttReasonCode.PayloadFormatInvalid, $"{kind}: malformed");

    /// <summary>The subscription is not open on this connection.</summary>
    public static Answer NotOpen(uint subscription) =>
        new(MqttReasonCode.PayloadFormatInvalid, $"subscription {subscription} is not open on this connection");

    /// <summary>Whether clients may name this stream: the system's own are not for them.</summary>
    public static bool IsForClients(StreamPath stream) => !stream.IsSystem || stream == TopicMap.Root;
}
