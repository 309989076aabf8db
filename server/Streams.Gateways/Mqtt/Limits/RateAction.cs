namespace Streams.Gateways;

/// <summary>What is done with a client that publishes faster than it may.</summary>
public enum RateAction
{
    /// <summary>Its connection is not read for as long as it takes.</summary>
    Throttle = 0,

    /// <summary>It is disconnected, 0x96.</summary>
    Disconnect = 1,
}
