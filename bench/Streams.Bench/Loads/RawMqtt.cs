using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Streams.Bench;

/// <summary>An MQTT 3.1.1 client that does as little as can be done, so that what is measured is the broker.</summary>
internal sealed class RawMqtt : IDisposable
{
    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly byte[] _in;
    private int _begin;
    private int _end;

    private RawMqtt(int bufferBytes) => _in = new byte[bufferBytes];

    public static async Task<RawMqtt> ConnectAsync(IPEndPoint broker, string clientId, int bufferBytes = 16 << 10)
    {
        RawMqtt client = new(bufferBytes);
        await client._socket.ConnectAsync(broker);
        byte[] id = Encoding.UTF8.GetBytes(clientId);
        byte[] connect = [0x10, (byte)(12 + id.Length), 0, 4, .. "MQTT"u8, 4, 2, 0, 0, 0, (byte)id.Length, .. id];
        await client._socket.SendAsync(connect);
        (byte type, int _, int _) = await client.ReadAsync();
        return type == 0x20 ? client : throw new InvalidOperationException($"{clientId}: packet {type:x2} in place of CONNACK");
    }

    public async Task SubscribeAsync(string filter)
    {
        byte[] name = Encoding.UTF8.GetBytes(filter);
        byte[] subscribe = [0x82, (byte)(5 + name.Length), 0, 1, 0, (byte)name.Length, .. name, 1];
        await _socket.SendAsync(subscribe);
        (byte type, int _, int _) = await ReadAsync();
        _ = type == 0x90 ? 0 : throw new InvalidOperationException($"packet {type:x2} in place of SUBACK");
    }

    /// <summary>A PUBLISH of QoS 1; the packet id is to be written behind the topic.</summary>
    public static byte[] Publish(string topic, int payloadBytes, out int idAt)
    {
        byte[] name = Encoding.UTF8.GetBytes(topic);
        int length = 2 + name.Length + 2 + payloadBytes;
        byte[] head = length < 128 ? [0x32, (byte)length] : [0x32, (byte)(length % 128 | 128), (byte)(length / 128)];
        idAt = head.Length + 2 + name.Length;
        return [.. head, 0, (byte)name.Length, .. name, 0, 0, .. new byte[payloadBytes]];
    }

    /// <summary>Publishes one message and waits for its acknowledgement.</summary>
    public async Task PublishAsync(string topic, byte[] payload)
    {
        byte[] one = Publish(topic, payload.Length, out int idAt);
        BinaryPrimitives.WriteUInt16BigEndian(one.AsSpan(idAt), 1);
        payload.CopyTo(one, one.Length - payload.Length);
        await SendAsync(one);
        (byte type, int _, int _) = await ReadAsync();
        _ = type == 0x40 ? 0 : throw new InvalidOperationException($"packet {type:x2} in place of PUBACK");
    }

    /// <summary>Publishes for a time, with a window of packets that are not acknowledged; gives how many were acknowledged.</summary>
    public async Task<long> PublishForAsync(string topic, int payloadBytes, int window, CancellationToken stop)
    {
        byte[] one = Publish(topic, payloadBytes, out int idAt);
        byte[] many = new byte[one.Length * window];
        for (int i = 0; i < window; i++)
        {
            one.CopyTo(many, i * one.Length);
        }

        ushort id = 0;
        long acknowledged = 0;
        long sent = 0;
        int next = window;
        while (true)
        {
            for (int i = 0; i < next; i++)
            {
                id = id == ushort.MaxValue ? (ushort)1 : (ushort)(id + 1);
                BinaryPrimitives.WriteUInt16BigEndian(many.AsSpan((i * one.Length) + idAt), id);
            }

            await SendAsync(many.AsMemory(0, next * one.Length));
            sent += next;
            next = 0;
            do
            {
                (byte type, int _, int _) = await ReadAsync();
                _ = type == 0x40 ? 0 : throw new InvalidOperationException($"packet {type:x2} in place of PUBACK");
                acknowledged++;
                next++;
            }
            while (HasPacket || (stop.IsCancellationRequested && acknowledged < sent));

            if (stop.IsCancellationRequested)
            {
                return acknowledged;
            }
        }
    }

    /// <summary>Takes and acknowledges messages until so many have come; tells of each bunch.</summary>
    public async Task ReceiveAsync(long count, Action<int> received)
    {
        byte[] acks = new byte[1024 * 4];
        while (count > 0)
        {
            int bunch = 0;
            do
            {
                (byte type, int from, int length) = await ReadAsync();
                if ((type & 0xf0) == 0x30)
                {
                    int topic = BinaryPrimitives.ReadUInt16BigEndian(_in.AsSpan(from));
                    _ = length > topic;
                    acks[bunch * 4] = 0x40;
                    acks[(bunch * 4) + 1] = 2;
                    _in.AsSpan(from + 2 + topic, 2).CopyTo(acks.AsSpan((bunch * 4) + 2));
                    bunch++;
                }
            }
            while (HasPacket && bunch < 1024);
            await SendAsync(acks.AsMemory(0, bunch * 4));
            count -= bunch;
            received(bunch);
        }
    }

    public void Dispose() => _socket.Dispose();

    private bool HasPacket => TryHead(out int headBytes, out int length) && _end - _begin >= headBytes + length;

    private bool TryHead(out int headBytes, out int length)
    {
        length = 0;
        for (int i = 1; i < 5 && _begin + i < _end; i++)
        {
            length |= (_in[_begin + i] & 127) << (7 * (i - 1));
            if (_in[_begin + i] < 128)
            {
                headBytes = i + 1;
                return true;
            }
        }

        headBytes = 0;
        return false;
    }

    private async ValueTask<(byte Type, int From, int Length)> ReadAsync()
    {
        while (true)
        {
            if (TryHead(out int headBytes, out int length) && _end - _begin >= headBytes + length)
            {
                (byte, int, int) packet = (_in[_begin], _begin + headBytes, length);
                _begin += headBytes + length;
                return packet;
            }

            if (_begin > 0)
            {
                _in.AsSpan(_begin, _end - _begin).CopyTo(_in);
                (_begin, _end) = (0, _end - _begin);
            }

            int read = await _socket.ReceiveAsync(_in.AsMemory(_end));
            _end += read > 0 ? read : throw new InvalidOperationException("the broker closed the connection");
        }
    }

    private async ValueTask SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await _socket.SendAsync(bytes)..];
        }
    }
}
