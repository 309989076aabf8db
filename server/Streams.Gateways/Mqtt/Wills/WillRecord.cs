using Streams.Core;

namespace Streams.Gateways;

/// <summary>A will as the log keeps it, in a register of <c>/$mqtt</c> (<see cref="WillKeys"/>). Its bytes:
/// <see cref="WillRecordFormat"/>.</summary>
internal sealed record WillRecord
{
    /// <summary>Whose will it is.</summary>
    public required string ClientId { get; init; }

    /// <summary>Which connection at which cluster it belongs to, as in <see cref="SessionRecord.Owner"/>.</summary>
    public required string Owner { get; init; }

    /// <summary>Seconds that it waits behind the end of the connection, as the client wished.</summary>
    public required uint DelaySeconds { get; init; }

    /// <summary>Seconds that the session outlives the connection: the will waits no longer than that.</summary>
    public required uint ExpirySeconds { get; init; }

    /// <summary>When the connection ended without DISCONNECT 0, in milliseconds since 1970; 0 while it is open.</summary>
    public long GoneAt { get; init; }

    /// <summary>Which event it becomes: however often it is published, it is one.</summary>
    public required EventIdentity Identity { get; init; }

    /// <summary>The MQTT topic.</summary>
    public required string Topic { get; init; }

    /// <summary>Whether it is published as a retained message.</summary>
    public bool Retain { get; init; }

    /// <summary>Its QoS and properties, as the headers of the event.</summary>
    public ReadOnlyMemory<byte> Headers { get; init; }

    /// <summary>Its payload.</summary>
    public ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>How long it waits: the shorter of its own delay and the life of the session.</summary>
    public TimeSpan Delay => TimeSpan.FromSeconds(Math.Min(DelaySeconds, ExpirySeconds));
}
