using Streams.Gateways;
using Streams.Mqtt;

namespace Streams.EdgeAgent;

/// <summary>Reads what devices may do: smaller numbers than a server's by default, for the agent's machine is small.</summary>
internal static class LimitReader
{
    /// <summary>What counts when nothing is said: a thousand devices, and a packet of a megabyte.</summary>
    public static readonly MqttGatewayOptions Defaults = new()
    {
        MaxConnections = 1000,
        MaxPacketBytes = 1 << 20,
        MaxUnansweredBytes = 2 << 20,
        ReceiveMaximum = 256,
        MaxInFlight = 256,
        MaxTopicStreams = 1000,
        MaxShareGroups = 1000,
    };

    /// <summary>Reads it; what is wrong is among the faults.</summary>
    public static MqttGatewayOptions Read(ConfigObject? limits)
    {
        MqttGatewayOptions read = Defaults;
        if (limits is null)
        {
            return read;
        }

        read = read with
        {
            MaxConnections = (int)limits.Number("connections", read.MaxConnections, 1, 100_000),
            AcceptRate = (int)limits.Number("connectionsPerSecond", read.AcceptRate, 0, 1_000_000),
            ConnectTimeout = limits.Duration("connectTimeout", read.ConnectTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10)),
            MaxPacketBytes = (int)limits.Bytes("packetBytes", read.MaxPacketBytes, 4 << 10, MqttDecodeOptions.LargestPacket),
            MaxSubscriptions = (int)limits.Number("subscriptions", read.MaxSubscriptions, 1, 100_000),
            MaxTopicStreams = (int)limits.Number("streams", read.MaxTopicStreams, 0, 1_000_000),
            MaxMessagesPerSecond = (int)limits.Number("messagesPerSecond", 0, 0, 1_000_000),
            MaxBytesPerSecond = limits.Bytes("bytesPerSecond", 0, 0, 1L << 30),
            RateAction = limits.Word("whenTooFast", read.RateAction,
                ("throttle", RateAction.Throttle), ("disconnect", RateAction.Disconnect)),
            ReceiveMaximum = (int)limits.Number("receiveMaximum", read.ReceiveMaximum, 1, ushort.MaxValue),
            MaxInFlight = (int)limits.Number("inFlight", read.MaxInFlight, 1, ushort.MaxValue),
            MaxSessionExpiry = limits.Duration("sessionExpiry", read.MaxSessionExpiry, TimeSpan.FromSeconds(1), TimeSpan.FromDays(366)),
            MaxKeepAlive = (int)limits.Number("keepAliveSeconds", 0, 0, ushort.MaxValue),
        };
        if (read.MaxBytesPerSecond is > 0 and < 1024)
        {
            limits.Fault("bytesPerSecond", "must be 0, for no limit, or at least 1 KiB");
        }

        limits.End();
        return read with { InFlightV311 = Math.Min(read.InFlightV311, read.MaxInFlight) };
    }
}
