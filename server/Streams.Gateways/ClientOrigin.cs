using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>Where a connection comes from.</summary>
/// <param name="Remote">The client's address, for people.</param>
/// <param name="Certificate">The certificate the client showed, checked already; <see langword="null"/> for none.</param>
/// <param name="Listener">The name of the listener it came by; empty where listeners have none.</param>
public sealed record ClientOrigin(string Remote, ClientCertificate? Certificate = null, string Listener = "")
{
    internal AccessSubject Subject(MqttConnectPacket packet) => new(packet.ClientId, packet.UserName, Remote)
    {
        Certificate = Certificate,
        Listener = Listener,
    };
}
