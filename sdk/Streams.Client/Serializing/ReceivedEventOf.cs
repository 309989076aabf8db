using System.Diagnostics.CodeAnalysis;
using Streams.Core;

namespace Streams.Client;

/// <summary>An event with its payload read: a value, or the reason why it is none. It is to be acknowledged either way: nobody else will
/// make a value of it, and it holds the cursor of its lane.</summary>
/// <typeparam name="T">What payloads are read as.</typeparam>
public readonly struct ReceivedEvent<T>
{
    private readonly T _value;

    internal ReceivedEvent(ReceivedEvent received, T value, Exception? fault)
    {
        Event = received;
        _value = value;
        Fault = fault;
    }

    /// <summary>The event as it came, payload included.</summary>
    public ReceivedEvent Event { get; }

    /// <summary>Why the payload is no value, or <see langword="null"/> when it is one.</summary>
    public Exception? Fault { get; }

    /// <summary>The value.</summary>
    /// <exception cref="InvalidFormatException">The payload is none; which event, and why.</exception>
    public T Value => Fault is null ? _value : throw new InvalidFormatException(
        $"event {Event.Stream} {Event.Partition}@{Event.Place}, topic {Event.Topic}: its {Event.Payload.Length} bytes are no"
        + $" {typeof(T).Name}: {Fault.Message}");

    /// <summary>The value, if the payload is one.</summary>
    public bool TryGetValue([MaybeNullWhen(false)] out T value)
    {
        value = _value;
        return Fault is null;
    }

    /// <inheritdoc cref="ReceivedEvent.Acknowledge"/>
    public void Acknowledge() => Event.Acknowledge();
}
