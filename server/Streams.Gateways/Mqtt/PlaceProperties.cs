using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>When the messages that an MQTT 5 client is given name the place of their event: user properties <c>stream</c>,
/// <c>partition</c>, <c>origin</c>, <c>offset</c>, and <c>released</c> where an event came out of its producer's order.</summary>
public enum PlaceProperties
{
    /// <summary>Where the message has no user properties of its own; else it is given on with exactly these, as it must be.</summary>
    Auto,

    /// <summary>Always, behind the message's own.</summary>
    Always,

    /// <summary>Never.</summary>
    Never,
}

/// <summary>How the words for it are read.</summary>
public static class PlaceWords
{
    /// <summary>The user property of CONNECT by which a client chooses for itself.</summary>
    public const string Property = "place";

    /// <summary>Reads <c>auto</c>, <c>always</c> or <c>never</c>; false for all else.</summary>
    public static bool TryParse(string? word, out PlaceProperties places)
    {
        (bool known, places) = word switch
        {
            "auto" => (true, PlaceProperties.Auto),
            "always" => (true, PlaceProperties.Always),
            "never" => (true, PlaceProperties.Never),
            _ => (false, PlaceProperties.Auto),
        };
        return known;
    }

    /// <summary>Whether a message with these properties names its place.</summary>
    public static bool Name(this PlaceProperties places, MqttProperties? properties) => places switch
    {
        PlaceProperties.Always => true,
        PlaceProperties.Never => false,
        _ => properties is null || properties.UserProperties.Count == 0,
    };
}
