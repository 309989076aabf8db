using System.Net.Security;
using System.Net.Sockets;

namespace Streams.Mqtt;

/// <summary>Opens connections as a client.</summary>
public static class MqttClientTransport
{
    /// <summary>
    /// Connects over TCP without delay (Nagle off), with TLS when <paramref name="tls"/> is given. Nothing is sent.
    /// Throws <see cref="SocketException"/>, <see cref="IOException"/> or, from TLS,
    /// <see cref="System.Security.Authentication.AuthenticationException"/>; nothing stays open then.
    /// </summary>
    /// <param name="host">Name or address.</param>
    /// <param name="port">TCP port, by custom 1883, with TLS 8883.</param>
    /// <param name="options">What is accepted; the role should be client and the version known.</param>
    /// <param name="tls">How to speak TLS, or <see langword="null"/> for plain TCP. Its target host defaults to the host.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    public static async ValueTask<MqttConnection> ConnectAsync(
        string host,
        int port,
        MqttDecodeOptions options,
        SslClientAuthenticationOptions? tls = null,
        CancellationToken cancellationToken = default)
    {
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Stream? stream = null;
        try
        {
            await socket.ConnectAsync(host, port, cancellationToken).ConfigureAwait(false);
            stream = new NetworkStream(socket, ownsSocket: true);
            if (tls is not null)
            {
                SslStream secure = new(stream, leaveInnerStreamOpen: false);
                stream = secure;
                await secure.AuthenticateAsClientAsync(TlsTarget.For(tls, host), cancellationToken).ConfigureAwait(false);
            }

            return MqttConnection.FromStream(stream, options);
        }
        catch
        {
            if (stream is not null)
            {
                await stream.DisposeAsync().ConfigureAwait(false);
            }

            socket.Dispose();
            throw;
        }
    }
}
