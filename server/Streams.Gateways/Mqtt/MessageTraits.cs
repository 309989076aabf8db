using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>What the headers of an event say about the message that it was, or will be.</summary>
/// <param name="Published">The QoS that it was published with: it is never delivered with a higher one.</param>
/// <param name="ExpirySeconds">How long after its timestamp it may be given; <see langword="null"/> for ever.</param>
/// <param name="Publisher">The client that published it, where that was kept.</param>
/// <param name="Properties">What is given on as it is; <see langword="null"/> when there is nothing.</param>
internal readonly record struct MessageTraits(
    MqttQos Published, uint? ExpirySeconds = null, string? Publisher = null, MqttProperties? Properties = null);
