using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>What CONNECT said and what was made of it.</summary>
internal sealed record ClientInfo : IConsumer
{
    /// <summary>The client id, given or assigned.</summary>
    public required string ClientId { get; init; }

    /// <summary>The MQTT version.</summary>
    public required MqttVersion Version { get; init; }

    /// <summary>Who asks for access.</summary>
    public required AccessSubject Subject { get; init; }

    /// <summary>Silence after which the client is gone: 1.5 times its keep alive; <see langword="null"/> when it asked for none.</summary>
    public required TimeSpan? SilenceLimit { get; init; }

    /// <summary>The keep alive in seconds that the client is told to use instead of its own; <see langword="null"/> for its
    /// own.</summary>
    public ushort? ServerKeepAlive { get; init; }

    /// <summary>Seconds that the session outlives the connection; 0 for not at all.</summary>
    public required uint ExpirySeconds { get; set; }

    /// <summary>Unacknowledged messages that the client takes.</summary>
    public required int Window { get; init; }

    /// <summary>Largest packet that the client takes.</summary>
    public required long MaxPacketBytes { get; init; }

    /// <summary>Highest topic alias that the client takes; 0 for none.</summary>
    public ushort AliasMaximum { get; init; }

    /// <summary>Whether the client asked to begin without what was kept of it.</summary>
    public required bool CleanStart { get; init; }

    /// <summary>When the messages that it is given name their place.</summary>
    public PlaceProperties Places { get; init; }

    /// <summary>Whether answers may carry reason strings and user properties (<see cref="ReplyWriter"/> sees to it).</summary>
    public bool WantsProblemInformation { get; init; } = true;

    /// <summary>What is published when the client is gone without a word; <see langword="null"/> for nothing.</summary>
    public required MqttWill? Will { get; init; }

    /// <summary>Whether the session outlives the connection.</summary>
    public bool IsPersistent => ExpirySeconds > 0;

    /// <summary>Whether the session has a record and cursors in the log: it outlives the connection, or goes on with one that
    /// did.</summary>
    public bool UsesLog { get; set; }

    /// <summary>Whether reason codes and properties can be sent.</summary>
    public bool IsV5 => Version == MqttVersion.V5;

    /// <summary>Whether it is an SDK that asked for hints.</summary>
    public bool TakesHints { get; init; }

    /// <summary>Whether it is an SDK or agent that sends for many producers.</summary>
    public bool SendsBundles { get; init; }

    /// <summary>The name of its cursors.</summary>
    public ConsumerName CursorName { get; init; }
}
