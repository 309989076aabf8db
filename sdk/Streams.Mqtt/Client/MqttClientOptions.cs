using System.Net.Security;

namespace Streams.Mqtt;

/// <summary>How a client connects and what it allows itself. Immutable; judged once, by <see cref="Validate"/>, when connecting.</summary>
public sealed record MqttClientOptions
{
    /// <summary>Name or address of the server. Default: localhost.</summary>
    public string Host { get; init; } = "localhost";

    /// <summary>TCP port, 1 to 65,535. Default: 1883.</summary>
    public int Port { get; init; } = 1883;

    /// <summary>How to speak TLS; <see langword="null"/> is plain TCP. Default: null.</summary>
    public SslClientAuthenticationOptions? Tls { get; init; }

    /// <summary>The path of the server's WebSocket endpoint, as in <c>/mqtt</c>; <see langword="null"/> is no WebSocket. Default:
    /// null.</summary>
    public string? WebSocketPath { get; init; }

    /// <summary>Gives a connected stream in place of a TCP connection to <see cref="Host"/>; TLS and WebSocket, where wished, are spoken
    /// over it. It is disposed with the connection. Default: null.</summary>
    public Func<CancellationToken, ValueTask<Stream>>? Transport { get; init; }

    /// <summary>The protocol version. Default: 5.</summary>
    public MqttVersion Version { get; init; } = MqttVersion.V5;

    /// <summary>The client identifier; empty lets the server choose one. Default: empty.</summary>
    public string ClientId { get; init; } = "";

    /// <summary>Whether a session the server still has is thrown away. Default: true.</summary>
    public bool CleanStart { get; init; } = true;

    /// <summary>MQTT 5: seconds the session outlives the connection; 0xFFFFFFFF is for ever. Default: null, which is 0.</summary>
    public uint? SessionExpirySeconds { get; init; }

    /// <summary>
    /// How many QoS 1 and 2 messages may be with this client unacknowledged, 1 to 65,535. MQTT 5 tells the server; in 3.1.1 it is
    /// not enforced. It is also the room of the queue before the handler. Default: 256.
    /// </summary>
    public ushort ReceiveMaximum { get; init; } = 256;

    /// <summary>
    /// Whether a server that sends more unacknowledged messages than <see cref="ReceiveMaximum"/> is cut off, as the standard asks.
    /// False bears with it (mosquitto 2.0.11 is one): reading then waits for the handler, so memory stays bounded. Default: true.
    /// </summary>
    public bool EnforceReceiveMaximum { get; init; } = true;

    /// <summary>The largest packet in bytes this client takes; told to the server in MQTT 5. Default: 1 MiB.</summary>
    public int MaximumPacketSize { get; init; } = 1024 * 1024;

    /// <summary>MQTT 5: the highest topic alias this client takes; 0 takes none. Default: 0.</summary>
    public ushort TopicAliasMaximum { get; init; }

    /// <summary>
    /// The longest silence on the wire: a ping goes out after three quarters of it. From 1 s (rounded up to seconds) to 65,535 s;
    /// zero turns it off. The server may set another in CONNACK. Default: 60 s.
    /// </summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long after a ping the server may stay silent before the connection is given up. Default: 20 s.</summary>
    public TimeSpan PingTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>How long opening the connection and the answer to CONNECT may take. Default: 15 s.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long saying DISCONNECT may take before the connection is just closed. Default: 2 s.</summary>
    public TimeSpan DisconnectTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The user name, or null. Default: null.</summary>
    public string? UserName { get; init; }

    /// <summary>The password as bytes, or null; 3.1.1 needs a user name with it. Default: null.</summary>
    public byte[]? Password { get; init; }

    /// <summary>MQTT 5: user properties of CONNECT. Default: none.</summary>
    public IReadOnlyList<MqttUserProperty> UserProperties { get; init; } = [];

    /// <summary>What the server publishes when this client vanishes, or null. Default: null.</summary>
    public MqttWill? Will { get; init; }

    /// <summary>MQTT 5: the name of an extended authentication, or null. Default: null.</summary>
    public string? AuthenticationMethod { get; init; }

    /// <summary>MQTT 5: the first data of an extended authentication, or null. Default: null.</summary>
    public byte[]? AuthenticationData { get; init; }

    /// <summary>MQTT 5: answers the server's AUTH packets while connecting. Default: null, AUTH is a protocol error.</summary>
    public Func<MqttAuthPacket, ValueTask<MqttAuthPacket>>? Authenticate { get; init; }

    /// <summary>
    /// Whether messages are acknowledged when the handler has returned. False: whoever handles them calls
    /// <see cref="MqttClientConnection.AckAsync"/>, in the order they came. Default: true.
    /// </summary>
    public bool AutoAck { get; init; } = true;

    /// <summary>
    /// How many own QoS 1 and 2 messages may be unacknowledged, besides the server's receive maximum; 1 to 65,535. A 3.1.1 server cannot
    /// tell its limit and may close the connection beyond it (mosquitto: 20 of QoS 2, unless configured). Default: 1,024.
    /// </summary>
    public int MaximumInFlight { get; init; } = 1024;

    /// <summary>How many publish calls may wait for their turn; one more fails. Default: 16,384.</summary>
    public int MaximumWaiting { get; init; } = 16_384;

    /// <summary>Publish calls wait while so many bytes have not been taken by the network. Default: 1 MiB.</summary>
    public int SendBufferBytes { get; init; } = 1024 * 1024;

    /// <summary>Throws <see cref="ArgumentException"/> that names every fault; returns this instance otherwise.</summary>
    public MqttClientOptions Validate()
    {
        List<string> faults = [];
        Check(faults, Host.Length > 0, "Host is empty.");
        Check(faults, Port is > 0 and <= 65_535, "Port is not 1 to 65535.");
        Check(faults, WebSocketPath is null || WebSocketPath.StartsWith('/'), "WebSocketPath does not begin with '/'.");
        Check(faults, Version is MqttVersion.V311 or MqttVersion.V5, "Version is neither 3.1.1 nor 5.");
        Check(faults, Version == MqttVersion.V5 || ClientId.Length > 0 || CleanStart, "MQTT 3.1.1: an empty ClientId needs CleanStart.");
        Check(faults, Version == MqttVersion.V5 || Password is null || UserName is not null, "MQTT 3.1.1: Password needs UserName.");
        Check(faults, ReceiveMaximum > 0, "ReceiveMaximum is 0.");
        Check(
            faults,
            MaximumPacketSize is >= 16 and <= MqttDecodeOptions.LargestPacket,
            $"MaximumPacketSize is not 16 to {MqttDecodeOptions.LargestPacket}.");
        Check(faults, KeepAlive >= TimeSpan.Zero && KeepAlive.TotalSeconds <= 65_535, "KeepAlive is not 0 to 65535 s.");
        Check(faults, PingTimeout > TimeSpan.Zero, "PingTimeout is not positive.");
        Check(faults, ConnectTimeout > TimeSpan.Zero, "ConnectTimeout is not positive.");
        Check(faults, DisconnectTimeout > TimeSpan.Zero, "DisconnectTimeout is not positive.");
        Check(faults, MaximumInFlight is > 0 and <= 65_535, "MaximumInFlight is not 1 to 65535.");
        Check(faults, MaximumWaiting > 0, "MaximumWaiting is not positive.");
        Check(faults, SendBufferBytes > 0, "SendBufferBytes is not positive.");
        Check(faults, AuthenticationData is null || AuthenticationMethod is not null, "AuthenticationData needs AuthenticationMethod.");
        return faults.Count == 0 ? this : throw new ArgumentException("Client options: " + string.Join(' ', faults));
    }

    internal MqttConnectPacket ToConnect()
    {
        MqttProperties properties = new()
        {
            SessionExpiryInterval = SessionExpirySeconds,
            ReceiveMaximum = ReceiveMaximum,
            MaximumPacketSize = (uint)MaximumPacketSize,
            TopicAliasMaximum = TopicAliasMaximum == 0 ? null : TopicAliasMaximum,
            AuthenticationMethod = AuthenticationMethod,
            AuthenticationData = AuthenticationData,
        };
        foreach (MqttUserProperty property in UserProperties)
        {
            properties.Add(property.Name, property.Value);
        }

        return new MqttConnectPacket
        {
            Version = Version,
            ClientId = ClientId,
            CleanStart = CleanStart,
            KeepAliveSeconds = (ushort)Math.Ceiling(KeepAlive.TotalSeconds),
            UserName = UserName,
            Password = Password,
            Will = Will,
            Properties = properties,
        };
    }

    private static void Check(List<string> faults, bool holds, string fault)
    {
        if (!holds)
        {
            faults.Add(fault);
        }
    }
}
