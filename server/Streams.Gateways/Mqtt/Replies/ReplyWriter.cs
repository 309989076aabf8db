using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>Writes to one client all that is not PUBLISH: the only way for such packets once its CONNECT was read. Leaves out reason
/// strings and user properties where they would make a packet larger than the client takes, and where it asked for none.</summary>
/// <remarks>Safe for use by many threads, as the connection is. A packet given to it is its own from then on: its properties may be
/// changed. What does not fit even so fails with <see cref="MqttReasonCode.PacketTooLarge"/>, which ends the session: an answer that is
/// not sent would leave the client waiting for ever.</remarks>
internal sealed class ReplyWriter
{
    private readonly MqttConnection _connection;
    private readonly long _maxBytes;
    private readonly bool _wantsReasons;
    private readonly bool _takesPlaces;

    /// <summary>A writer for the client that said this.</summary>
    public ReplyWriter(MqttConnection connection, MqttConnectPacket said)
    {
        _connection = connection;
        Version = said.Version;
        _maxBytes = said.Properties?.MaximumPacketSize ?? MqttDecodeOptions.LargestPacket;
        _wantsReasons = said.Properties?.RequestProblemInformation ?? true;
        _takesPlaces = said.Properties?.FirstUserValue(ProtocolTopics.HintsProperty) is not null;
    }

    /// <summary>The version of the connection.</summary>
    public MqttVersion Version { get; }

    /// <summary>Gives a packet its place in the order of the wire; it goes out with the next flush.</summary>
    /// <exception cref="MqttProtocolException">The client does not take so much, or the standard has no way to say it.</exception>
    public void Write(MqttPacket packet)
    {
        Fit(packet);
        _connection.Write(packet);
    }

    /// <summary><see cref="Write"/>, then flushes.</summary>
    public ValueTask WriteAsync(MqttPacket packet, CancellationToken cancellationToken)
    {
        Fit(packet);
        return _connection.WriteAsync(packet, cancellationToken);
    }

    // Reason strings go first: user properties are for programs.
    private void Fit(MqttPacket packet)
    {
        MqttProperties? properties = Version == MqttVersion.V5 ? PropertiesOf(packet) : null;
        if (properties is not null && !_wantsReasons && packet is not (MqttConnackPacket or MqttDisconnectPacket))
        {
            properties.ReasonString = null;
            properties.RemoveUserProperties(except: _takesPlaces ? ProtocolTopics.PlacedProperty : null);
        }

        if (Fits(packet))
        {
            return;
        }

        if (properties?.ReasonString is not null)
        {
            properties.ReasonString = null;
            if (Fits(packet))
            {
                return;
            }
        }

        properties?.RemoveUserProperties();
        if (!Fits(packet))
        {
            throw new MqttProtocolException(MqttReasonCode.PacketTooLarge,
                $"{packet.Type} takes {MqttPacketWriter.SizeOf(packet, Version)} bytes, the client takes {_maxBytes}");
        }
    }

    private bool Fits(MqttPacket packet) =>
        _maxBytes >= MqttDecodeOptions.LargestPacket || MqttPacketWriter.SizeOf(packet, Version) <= _maxBytes;

    private static MqttProperties? PropertiesOf(MqttPacket packet) => packet switch
    {
        MqttPublishReply reply => reply.Properties,
        MqttConnackPacket connack => connack.Properties,
        MqttSubackPacket suback => suback.Properties,
        MqttUnsubackPacket unsuback => unsuback.Properties,
        MqttDisconnectPacket disconnect => disconnect.Properties,
        MqttAuthPacket auth => auth.Properties,
        _ => null,
    };
}
