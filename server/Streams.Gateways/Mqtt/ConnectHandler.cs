using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>CONNECT: decides whether and as whom a client is taken, and what of its session is kept.</summary>
internal sealed class ConnectHandler(GatewayServices services, Func<string> newClientId)
{
    /// <summary>What the names of the cursors of MQTT sessions begin with: no other consumer may be called so.</summary>
    public const string CursorPrefix = "mqtt/";

    /// <summary>What is told about a client that is not taken; <see langword="null"/> when it is, and then what was made of its
    /// CONNECT.</summary>
    public (MqttReasonCode Code, string Reason)? Read(MqttConnectPacket packet, AccessSubject subject, out ClientInfo? client)
    {
        client = null;
        bool isAssigned = packet.ClientId.Length == 0;
        string clientId = isAssigned ? newClientId() : packet.ClientId;
        if (!ConsumerName.TryParse(CursorPrefix + clientId, out ConsumerName cursorName, out string? fault))
        {
            return (MqttReasonCode.ClientIdentifierNotValid, fault!);
        }

        if (isAssigned && packet is { Version: MqttVersion.V311, CleanStart: false })
        {
            return (MqttReasonCode.ClientIdentifierNotValid, "a client without an identifier cannot have a session that is kept");
        }

        if (packet.Properties?.AuthenticationMethod is not null)
        {
            return (MqttReasonCode.BadAuthenticationMethod, "extended authentication is not available");
        }

        PlaceProperties places = services.Options.Places;
        if (packet.Properties?.FirstUserValue(PlaceWords.Property) is { } word && !PlaceWords.TryParse(word, out places))
        {
            return (MqttReasonCode.ImplementationSpecificError,
                $"user property '{PlaceWords.Property}' is '{word}', it must be 'auto', 'always' or 'never'");
        }

        subject = isAssigned ? subject with { ClientId = clientId } : subject;
        if (!services.Access.Allows(subject, AccessAction.Connect, default, default))
        {
            return (MqttReasonCode.NotAuthorized, "this client may not connect");
        }

        if (packet.Will is { } will && WillFault(will, packet.Version, subject) is { } refusal)
        {
            return refusal;
        }

        client = Make(packet, clientId, cursorName, subject) with { Places = places };
        return null;
    }

    /// <summary>The life of a session, cut to what is allowed.</summary>
    public static uint Limit(uint expirySeconds, MqttGatewayOptions options) =>
        (uint)Math.Min(expirySeconds, Math.Min(options.MaxSessionExpiry.TotalSeconds, SessionRecord.NeverExpires));

    private ClientInfo Make(MqttConnectPacket packet, string clientId, ConsumerName cursorName, AccessSubject subject)
    {
        bool isV5 = packet.Version == MqttVersion.V5;
        uint expiry = isV5 ? packet.Properties?.SessionExpiryInterval ?? 0 : packet.CleanStart ? 0 : SessionRecord.NeverExpires;
        ushort? told = isV5 ? KeepAliveRule.Instead(packet.KeepAliveSeconds, services.Options.MaxKeepAlive) : null;
        int keepAlive = told ?? packet.KeepAliveSeconds;
        int window = isV5 ? packet.Properties?.ReceiveMaximum ?? ushort.MaxValue : services.Options.InFlightV311;
        return new ClientInfo
        {
            ClientId = clientId,
            Version = packet.Version,
            Subject = subject,
            SilenceLimit = keepAlive == 0 ? null : TimeSpan.FromSeconds(keepAlive * 1.5),
            ServerKeepAlive = told,
            ExpirySeconds = Limit(expiry, services.Options),
            Window = Math.Min(window, services.Options.MaxInFlight),
            MaxPacketBytes = packet.Properties?.MaximumPacketSize ?? MqttDecodeOptions.LargestPacket,
            AliasMaximum = packet.Properties?.TopicAliasMaximum ?? 0,
            CleanStart = packet.CleanStart,
            WantsProblemInformation = packet.Properties?.RequestProblemInformation ?? true,
            Will = packet.Will,
            TakesHints = isV5 && packet.Properties?.FirstUserValue(ProtocolTopics.HintsProperty) is not null,
            SendsBundles = isV5 && packet.Properties?.FirstUserValue(ProtocolTopics.BundlesProperty) is not null,
            CursorName = cursorName,
        };
    }

    private (MqttReasonCode Code, string Reason)? WillFault(MqttWill will, MqttVersion version, AccessSubject subject)
    {
        if (services.TopicLimits.Fault(will.Topic) is { } tooLong)
        {
            return (MqttReasonCode.TopicNameInvalid, $"will: {tooLong}");
        }

        if (!TopicMap.TrySplit(will.Topic, out StreamPath stream, out ReadOnlyMemory<char> rest, out string? fault))
        {
            return (MqttReasonCode.TopicNameInvalid, $"will: {fault}");
        }

        if (WillCheck.Fault(will, rest.Span) is { } wrong)
        {
            return wrong;
        }

        return services.Access.Allows(subject, AccessAction.Publish, stream, rest.Span) ? null
            : (MqttReasonCode.NotAuthorized, $"a will on {stream} is not allowed");
    }
}
