namespace Streams.Mqtt;

/// <summary>One user property. The same name may stand several times in a packet; the order is kept.</summary>
/// <param name="Name">The name: at most 65,535 bytes of UTF-8, without U+0000.</param>
/// <param name="Value">The value: at most 65,535 bytes of UTF-8, without U+0000.</param>
public readonly record struct MqttUserProperty(string Name, string Value);
