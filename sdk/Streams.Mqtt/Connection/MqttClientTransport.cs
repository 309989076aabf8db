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
    public static ValueTask<MqttConnection> ConnectAsync(
        string host,
        int port,
        MqttDecodeOptions options,
        SslClientAuthenticationOptions? tls = null,
        CancellationToken cancellationToken = default) =>
        ConnectAsync(new MqttClientOptions { Host = host, Port = port, Tls = tls }, options, cancellationToken);

    /// <summary>As the other, by the client's options: also over its own transport, and over WebSocket.</summary>
    internal static async ValueTask<MqttConnection> ConnectAsync(
        MqttClientOptions client, MqttDecodeOptions options, CancellationToken cancellationToken)
    {
        Stream stream = client.Transport is { } own
            ? await OwnAsync(own, cancellationToken).ConfigureAwait(false)
            : await TcpAsync(client.Host, client.Port, cancellationToken).ConfigureAwait(false);
        try
        {
            if (client.Tls is { } tls)
            {
                SslStream secure = new(stream, leaveInnerStreamOpen: false);
                stream = secure;
                await secure.AuthenticateAsClientAsync(TlsTarget.For(tls, client.Host), cancellationToken).ConfigureAwait(false);
            }

            if (client.WebSocketPath is { } path)
            {
                stream = await WebSocketStream.OpenAsync(
                    stream, client.Host, client.Port, path, client.DisconnectTimeout, cancellationToken).ConfigureAwait(false);
            }

            return MqttConnection.FromStream(stream, options);
        }
        catch
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    // One that does not heed its token holds up nothing; what it gives later is closed.
    private static async ValueTask<Stream> OwnAsync(Func<CancellationToken, ValueTask<Stream>> own, CancellationToken cancellationToken)
    {
        Task<Stream> opening = own(cancellationToken).AsTask();
        try
        {
            return await opening.WaitAsync(cancellationToken).ConfigureAwait(false)
                ?? throw new IOException("The transport of the options gave no stream.");
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            _ = CloseLateAsync(opening);
            throw;
        }
    }

    private static async Task CloseLateAsync(Task<Stream> opening)
    {
        await ((Task)opening).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (opening.IsCompletedSuccessfully && opening.Result is { } late)
        {
            await late.DisposeAsync().ConfigureAwait(false);
        }
    }

    private static async ValueTask<Stream> TcpAsync(string host, int port, CancellationToken cancellationToken)
    {
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(host, port, cancellationToken).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
