using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;

namespace Streams.EndToEnd.Tests;

/// <summary>
/// A publisher that speaks MQTT 3.1.1 by hand, in no more than the bytes of the standard that it needs: it shares no code with the product
/// and knows exactly which of its messages were acknowledged.
/// </summary>
internal sealed class RawMqttClient : IAsyncDisposable
{
    private const byte ConnackType = 0x20;
    private const byte PubackType = 0x40;

    private readonly TcpClient _tcp;
    private readonly NetworkStream _stream;
    private readonly SemaphoreSlim _window;
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly ConcurrentDictionary<ushort, TaskCompletionSource<bool>> _waiting = new();
    private Task _reading = Task.CompletedTask;
    private volatile bool _ended;
    private int _lastId;

    private RawMqttClient(TcpClient tcp, int inFlight)
    {
        _tcp = tcp;
        _stream = tcp.GetStream();
        _window = new SemaphoreSlim(inFlight);
    }

    /// <summary>The connection is gone: nothing more is acknowledged.</summary>
    public bool HasEnded => _ended;

    /// <summary>Connects with a clean session.</summary>
    /// <exception cref="IOException">Nobody is there, or the server refused.</exception>
    public static async Task<RawMqttClient> ConnectAsync(int port, string clientId, int inFlight)
    {
        var tcp = new TcpClient { NoDelay = true };
        try
        {
            await tcp.ConnectAsync("127.0.0.1", port);
            var client = new RawMqttClient(tcp, inFlight);
            await client.HandshakeAsync(clientId);
            client._reading = client.ReadAsync();
            return client;
        }
        catch (SocketException fault)
        {
            tcp.Dispose();
            throw new IOException($"no MQTT server on port {port}", fault);
        }
        catch
        {
            tcp.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Sends a message with QoS 1, waiting while too many are unanswered. The task inside completes with true at its acknowledgement, with
    /// false when the connection ends before it.
    /// </summary>
    public async Task<Task<bool>> SendAsync(string topic, string payload)
    {
        await _window.WaitAsync();
        var done = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        await _writing.WaitAsync();
        try
        {
            var id = NextId();
            _waiting[id] = done;
            if (_ended)
            {
                Complete(id, false);
                return done.Task;
            }

            await _stream.WriteAsync(Publish(topic, payload, id));
        }
        catch (IOException)
        {
            End();
        }
        finally
        {
            _writing.Release();
        }

        return done.Task;
    }

    /// <summary>Sends one message and waits for what becomes of it.</summary>
    public async Task<bool> PublishAsync(string topic, string payload) => await await SendAsync(topic, payload);

    public async ValueTask DisposeAsync()
    {
        _tcp.Dispose();
        await _reading;
    }

    private static byte[] Publish(string topic, string payload, ushort id)
    {
        var name = Encoding.UTF8.GetBytes(topic);
        var content = Encoding.UTF8.GetBytes(payload);
        using var packet = new MemoryStream();
        packet.WriteByte(0x32);
        WriteLength(packet, 2 + name.Length + 2 + content.Length);
        WriteUInt16(packet, (ushort)name.Length);
        packet.Write(name);
        WriteUInt16(packet, id);
        packet.Write(content);
        return packet.ToArray();
    }

    private static void WriteLength(MemoryStream packet, int length)
    {
        do
        {
            var digit = (byte)(length & 0x7F);
            length >>= 7;
            packet.WriteByte(length > 0 ? (byte)(digit | 0x80) : digit);
        }
        while (length > 0);
    }

    private static void WriteUInt16(MemoryStream packet, ushort value)
    {
        packet.WriteByte((byte)(value >> 8));
        packet.WriteByte((byte)value);
    }

    private async Task HandshakeAsync(string clientId)
    {
        var id = Encoding.UTF8.GetBytes(clientId);
        using var packet = new MemoryStream();
        packet.WriteByte(0x10);
        WriteLength(packet, 10 + 2 + id.Length);
        packet.Write([0, 4, (byte)'M', (byte)'Q', (byte)'T', (byte)'T', 4, 0x02, 0, 60]);
        WriteUInt16(packet, (ushort)id.Length);
        packet.Write(id);
        await _stream.WriteAsync(packet.ToArray());
        var answer = new byte[4];
        await _stream.ReadExactlyAsync(answer);
        if (answer[0] != ConnackType || answer[1] != 2 || answer[3] != 0)
        {
            throw new IOException($"CONNACK expected, {Convert.ToHexString(answer)} came");
        }
    }

    private async Task ReadAsync()
    {
        // Off the caller's context before the first read.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            var packet = new byte[4];
            while (true)
            {
                await _stream.ReadExactlyAsync(packet);
                if (packet[0] != PubackType || packet[1] != 2)
                {
                    throw new IOException($"PUBACK expected, {Convert.ToHexString(packet)} came");
                }

                Complete(BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(2)), true);
            }
        }
        catch (Exception fault) when (fault is IOException or ObjectDisposedException)
        {
            End();
        }
    }

    private void End()
    {
        _ended = true;
        foreach (var id in _waiting.Keys)
        {
            Complete(id, false);
        }
    }

    private void Complete(ushort id, bool acknowledged)
    {
        if (_waiting.TryRemove(id, out var done))
        {
            done.TrySetResult(acknowledged);
            _window.Release();
        }
    }

    private ushort NextId()
    {
        do
        {
            _lastId = _lastId % ushort.MaxValue + 1;
        }
        while (_waiting.ContainsKey((ushort)_lastId));

        return (ushort)_lastId;
    }
}
