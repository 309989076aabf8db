using System.Net.Sockets;

namespace Streams.Geo;

/// <summary>Makes connections to targets.</summary>
internal static class LinkDialer
{
    /// <summary>Connects within <paramref name="limit"/>.</summary>
    /// <exception cref="LinkBrokenException">Nobody answers there.</exception>
    public static async Task<FrameConnection> ConnectAsync(LinkTarget target, TimeSpan limit, TimeProvider time,
        CancellationToken cancellationToken)
    {
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp);
        using CancellationTokenSource late = new(limit, time);
        using CancellationTokenSource both = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            await socket.ConnectAsync(target.Host, target.Port, both.Token);
            return new FrameConnection(socket);
        }
        catch (Exception exception)
        {
            socket.Dispose();
            cancellationToken.ThrowIfCancellationRequested();
            throw new LinkBrokenException($"no connection to {target.Host}:{target.Port}: "
                + (late.IsCancellationRequested ? $"no answer within {limit.TotalSeconds:0.#} s" : exception.Message), exception);
        }
    }
}
