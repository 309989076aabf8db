using Streams.Core;

namespace Streams.Gateways;

/// <summary>The identifiers of QoS 2 that a session has received, as the log keeps them: register <c>qos2/{client}</c> of
/// <c>/$mqtt</c>, owned by the session's identity, so that a session that begins anew has none.</summary>
internal static class ReceivedMarks
{
    /// <summary>The register's key.</summary>
    public static string Key(string clientId) => "qos2/" + clientId;

    private static int Max(GatewayServices services) => Math.Min(services.Options.ReceiveMaximum, MarkedNumbers.MaxCount);

    /// <summary>The mark of an identifier.</summary>
    public static Mark Of(MqttSession session, ushort packetId) => new(SessionRecord.Stream, Key(session.Client.ClientId),
        session.Producer, packetId, Max(session.Services));

    /// <summary>What a session that goes on has received and not let go of.</summary>
    public static ReceivedIds Load(GatewayServices services, string clientId, ProducerId owner, bool isKept)
    {
        if (!isKept)
        {
            return new ReceivedIds([], isShared: false, Max(services));
        }

        ReadOnlyMemory<byte> value = services.Store.Register(SessionRecord.Stream, Key(clientId))?.Value ?? default;
        bool isShared = false;
        foreach (LaneStatus lane in services.Store.Lanes(new StreamPartition(SessionRecord.Stream, default)))
        {
            isShared |= lane.Lane.Origin.Cluster != services.Store.Origin.Cluster;
        }

        return new ReceivedIds(MarkedNumbers.Of(owner, value).Numbers.ToArray(), isShared, Max(services));
    }
}
