using System.Collections.Immutable;
using System.Net;
using Streams.Core;
using Streams.Gateways;

namespace Streams.EdgeAgent;

/// <summary>What an agent is configured to be: its file, read and checked.</summary>
internal sealed record AgentOptions
{
    /// <summary>Where HTTP is served when nothing is said.</summary>
    public static readonly ListenAddress DefaultHttp = new(IPAddress.Loopback, 8088);

    /// <summary>The name of this agent, unique in the world it joins. Required.</summary>
    public required ClusterName Name { get; init; }

    /// <summary>The folder of its file <c>agent.db</c>. Required.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>How it keeps what it holds.</summary>
    public required LocalStoreOptions Store { get; init; }

    /// <summary>Where devices connect: 1 to 16.</summary>
    public ImmutableArray<ListenerOptions> Listeners { get; init; } = [];

    /// <summary>Who may do what; replaced while the agent runs.</summary>
    public AccessOptions Access { get; init; } = AccessOptions.Open;

    /// <summary>The clusters that it speaks to; <see langword="null"/> for none.</summary>
    public ClusterOptionsOfAgent? Clusters { get; init; }

    /// <summary>What is done with the events of which topics; replaced while the agent runs.</summary>
    public ImmutableArray<Route> Routes { get; init; } = [];

    /// <summary>Where health, metrics and the status page are; <see langword="null"/> for nowhere. Default 127.0.0.1:8088.</summary>
    public ListenAddress? Http { get; init; } = DefaultHttp;

    /// <summary>What devices may do.</summary>
    public MqttGatewayOptions Limits { get; init; } = new();

    /// <summary>Longest time for finishing what was begun when the agent is told to stop. Default 10 s; 0 to 10 min.</summary>
    public TimeSpan DrainLimit { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>What is run before the first start; <see langword="null"/> for nothing.</summary>
    public ProvisionOptions? Provision { get; init; }

    /// <summary>How much is logged.</summary>
    public LogLevels LogLevels { get; init; } = LogLevels.Standard;
}

/// <summary>Where devices connect.</summary>
/// <param name="Name">For access rules, logs and faults.</param>
/// <param name="Address">Where it listens.</param>
internal sealed record ListenerOptions(string Name, ListenAddress Address)
{
    /// <summary>Whether MQTT is spoken over WebSocket there, path <c>/mqtt</c>.</summary>
    public bool IsWebSocket { get; init; }

    /// <summary>What clients show to be let in.</summary>
    public SignInRule SignIn { get; init; }

    /// <summary>Certificates; <see langword="null"/> to listen in the clear.</summary>
    public TlsOptions? Tls { get; init; }
}

/// <summary>Who may do what.</summary>
/// <param name="Users">The users that have a password.</param>
/// <param name="Rules">The rules; <see langword="null"/> when everybody who is let in may do everything.</param>
internal sealed record AccessOptions(ImmutableDictionary<string, PasswordHash> Users, ImmutableArray<AccessRule>? Rules)
{
    /// <summary>Without users and rules.</summary>
    public static readonly AccessOptions Open = new(ImmutableDictionary<string, PasswordHash>.Empty, null);
}

/// <summary>What is run once before the first start, to fetch a name, keys and certificates.</summary>
/// <param name="Command">The program and its arguments.</param>
/// <param name="Limit">How long it may take.</param>
internal sealed record ProvisionOptions(ImmutableArray<string> Command, TimeSpan Limit);
