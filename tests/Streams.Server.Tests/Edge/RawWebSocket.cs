using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Streams.Server.Tests;

/// <summary>A client of the WebSocket endpoint that sends what no library would.</summary>
internal sealed class RawWebSocket : IDisposable
{
    private readonly TcpClient _tcp = new();
    private NetworkStream _stream = null!;

    /// <summary>Sends an HTTP request and gives the head of the answer.</summary>
    public static async Task<(RawWebSocket Peer, string Head)> AskAsync(IPEndPoint at, string request)
    {
        RawWebSocket peer = new();
        await peer._tcp.ConnectAsync(at);
        peer._stream = peer._tcp.GetStream();
        await peer.SendAsync(Encoding.ASCII.GetBytes(request.ReplaceLineEndings("\r\n")));
        StringBuilder head = new();
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            head.Append((char)(await peer.ReadAsync(1))[0]);
        }

        return (peer, head.ToString());
    }

    /// <summary>Opens a WebSocket as MQTT wants it.</summary>
    public static async Task<RawWebSocket> OpenAsync(IPEndPoint at)
    {
        (RawWebSocket peer, string head) = await AskAsync(at, Upgrade(at, "mqtt"));
        Assert.StartsWith("HTTP/1.1 101 ", head, StringComparison.Ordinal);
        Assert.Contains("Sec-WebSocket-Protocol: mqtt\r\n", head, StringComparison.OrdinalIgnoreCase);
        return peer;
    }

    public static string Upgrade(IPEndPoint at, string? protocol, string path = "/mqtt") => $"""
        GET {path} HTTP/1.1
        Host: {at}
        Upgrade: websocket
        Connection: Upgrade
        Sec-WebSocket-Version: 13
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
        {(protocol is null ? "X-Nothing: 1" : $"Sec-WebSocket-Protocol: {protocol}")}


        """;

    public async Task SendAsync(byte[] bytes) => await _stream.WriteAsync(bytes);

    /// <summary>Exactly so many bytes.</summary>
    public async Task<byte[]> ReadAsync(int count)
    {
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(20));
        byte[] bytes = new byte[count];
        await _stream.ReadExactlyAsync(bytes, limit.Token);
        return bytes;
    }

    /// <summary>All bytes until the server ends the network connection.</summary>
    public async Task<byte[]> ReadToEndAsync()
    {
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(20));
        using MemoryStream all = new();
        try
        {
            await _stream.CopyToAsync(all, limit.Token);
        }
        catch (IOException)
        {
            // A reset is an end too.
        }

        return all.ToArray();
    }

    public void Dispose() => _tcp.Dispose();
}
