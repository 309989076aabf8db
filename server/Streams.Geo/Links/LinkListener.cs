using System.Net;
using System.Net.Sockets;
using Streams.Core;

namespace Streams.Geo;

/// <summary>The endpoint at which links of other clusters are accepted.</summary>
internal sealed class LinkListener : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly Socket _socket;
    private readonly IncomingLinks _incoming;
    private readonly LinkContext _context;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;

    private LinkListener(Socket socket, IncomingLinks incoming, LinkContext context)
    {
        _socket = socket;
        _incoming = incoming;
        _context = context;
        Endpoint = (IPEndPoint)socket.LocalEndPoint!;
        _accepting = AcceptAsync(_stop.Token);
    }

    /// <summary>Where it listens; the port is the one taken when port 0 was asked for.</summary>
    public IPEndPoint Endpoint { get; }

    /// <summary>Binds and listens.</summary>
    /// <exception cref="ConfigurationException">The endpoint cannot be bound; the message says which and why.</exception>
    public static LinkListener Start(IPEndPoint endpoint, IncomingLinks incoming, LinkContext context)
    {
        Socket socket = new(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(endpoint);
            socket.Listen(512);
        }
        catch (SocketException exception)
        {
            socket.Dispose();
            throw new ConfigurationException($"links: cannot listen at {endpoint}: "
                + (exception.SocketErrorCode == SocketError.AddressAlreadyInUse
                ? "another program, or another endpoint of this one, uses the port" : exception.Message));
        }

        LinkListener listener = new(socket, incoming, context);
        LinkLog.Listening(context.Logger, listener.Endpoint.ToString());
        return listener;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _socket.Dispose();
        await _accepting;
        _stop.Dispose();
    }

    private async Task AcceptAsync(CancellationToken cancellationToken)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                _incoming.Accept(await _socket.AcceptAsync(cancellationToken));
            }
            catch (Exception) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                // A client that was gone before it was accepted, or no file handles left: neither ends the endpoint.
                LinkLog.AcceptFailed(_context.Logger, exception);
                await Task.Delay(Pause, _context.Time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }
}
