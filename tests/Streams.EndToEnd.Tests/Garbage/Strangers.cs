using System.Net.Sockets;

namespace Streams.EndToEnd.Tests;

/// <summary>Connections that say something, or nothing, and then stay.</summary>
internal sealed class Strangers : IDisposable
{
    private readonly List<TcpClient> _connections = [];

    public Strangers(int port, int count, byte[] bytes)
    {
        for (var i = 0; i < count; i++)
        {
            var stranger = new TcpClient("127.0.0.1", port);
            _connections.Add(stranger);
            stranger.Client.Blocking = false;
            if (bytes.Length > 0)
            {
                // As much as the system takes at once: a server that closes or does not read is fine.
                stranger.Client.Send(bytes, SocketFlags.None, out _);
            }
        }
    }

    public void Dispose()
    {
        foreach (var connection in _connections)
        {
            connection.Dispose();
        }
    }
}
