using System.Buffers;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>A session's window as the log keeps it: register <c>window/{client}</c> of <c>/$mqtt</c>.</summary>
/// <remarks>Version 1: version byte, the session's identity, so that a session that begins anew has none; table of lanes; the messages in
/// order (lane, offset, identifier, flags); what is finished behind the cursors as runs of offsets (lane, first, count). Drawn in
/// docs/mqtt.md.</remarks>
internal static class WindowRecord
{
    private const byte Version = 1;
    private const int MaxItems = 1 << 16;
    private const int QosBits = 0x03;
    private const int Released = 0x04;

    /// <summary>The register's key.</summary>
    public static string Key(string clientId) => "window/" + clientId;

    /// <summary>The window of a connection that begins: what is kept of the session is in it, but for what its cursors have
    /// passed.</summary>
    public static OutboundWindow Load(GatewayServices services, ClientInfo client, ProducerId owner, bool isKept)
    {
        OutboundWindow window = new(client.Window, client.UsesLog);
        if (isKept && services.Store.Register(SessionRecord.Stream, Key(client.ClientId)) is { Value: { IsEmpty: false } value })
        {
            Read(value, owner, window, partition => services.Store.Cursor(client.CursorName, partition));
        }

        if (isKept)
        {
            window.BeginBehind((ushort)services.NowMicroseconds);
        }

        return window;
    }

    /// <summary>The register's value; empty when there is nothing to keep.</summary>
    public static byte[] Write(OutboundWindow window, ProducerId owner)
    {
        if (window.IsEmpty)
        {
            return [];
        }

        List<(ushort PacketId, InFlight Message)> messages = window.Messages();
        Dictionary<LaneId, int> places = [];
        List<LaneId> lanes = [];
        messages.ForEach(m => AddLane(m.Message.Lane));
        foreach (LaneId lane in window.Done.Keys)
        {
            AddLane(lane);
        }

        ArrayBufferWriter<byte> output = new(256 + (16 * messages.Count));
        ByteWriter writer = new(output);
        writer.Byte(Version);
        writer.Producer(owner);
        writer.Varint((ulong)lanes.Count);
        foreach (LaneId lane in lanes)
        {
            writer.Lane(lane);
        }

        writer.Varint((ulong)messages.Count);
        foreach ((ushort packetId, InFlight message) in messages)
        {
            writer.Varint((ulong)places[message.Lane]);
            writer.Offset(message.Offset);
            writer.UInt16(packetId);
            writer.Byte((byte)((int)message.Qos | (message.Released ? Released : 0)));
        }

        WriteDone(ref writer, window, places);
        return output.WrittenSpan.ToArray();

        void AddLane(LaneId lane)
        {
            if (places.TryAdd(lane, lanes.Count))
            {
                lanes.Add(lane);
            }
        }
    }

    /// <summary>Fills a window with what a value keeps for this owner; false when it is another's, or none that is known here.</summary>
    public static bool Read(ReadOnlyMemory<byte> value, ProducerId owner, OutboundWindow window, Func<StreamPartition, Cursor> cursor)
    {
        ByteReader reader = new(value);
        if (reader.Byte() != Version || reader.Producer() != owner || reader.Failed)
        {
            return false;
        }

        LaneId[] lanes = new LaneId[reader.Varint(MaxItems)];
        Cursor[] cursors = new Cursor[lanes.Length];
        for (int i = 0; i < lanes.Length && !reader.Failed; i++)
        {
            lanes[i] = reader.Lane();
            cursors[i] = reader.Failed ? Cursor.Start : cursor(lanes[i].Partition);
        }

        int count = (int)reader.Varint(MaxItems);
        for (int i = 0; i < count && !reader.Failed; i++)
        {
            int place = (int)reader.Varint(MaxItems);
            Offset offset = reader.Offset();
            ushort packetId = reader.UInt16();
            byte flags = reader.Byte();
            if (reader.Failed || place >= lanes.Length || (flags & QosBits) is 0 or QosBits)
            {
                return false;
            }

            // One that is released waits for its PUBCOMP wherever the cursor is: its identifier is not free.
            bool released = (flags & Released) != 0;
            if (released || offset >= cursors[place][lanes[place].Origin])
            {
                window.Restore(packetId, new InFlight(null, 0, lanes[place].Partition, lanes[place].Origin, offset,
                    (MqttQos)(flags & QosBits), released));
            }
        }

        return ReadDone(ref reader, lanes, cursors, window);
    }

    private static void WriteDone(ref ByteWriter writer, OutboundWindow window, Dictionary<LaneId, int> places)
    {
        List<(int Place, long First, long Count)> runs = [];
        foreach ((LaneId lane, SortedSet<long> done) in window.Done)
        {
            foreach (long offset in done)
            {
                if (runs.Count > 0 && runs[^1].Place == places[lane] && runs[^1].First + runs[^1].Count == offset)
                {
                    runs[^1] = runs[^1] with { Count = runs[^1].Count + 1 };
                }
                else
                {
                    runs.Add((places[lane], offset, 1));
                }
            }
        }

        writer.Varint((ulong)runs.Count);
        foreach ((int place, long first, long count) in runs)
        {
            writer.Varint((ulong)place);
            writer.Varint((ulong)first);
            writer.Varint((ulong)count);
        }
    }

    private static bool ReadDone(ref ByteReader reader, LaneId[] lanes, Cursor[] cursors, OutboundWindow window)
    {
        int runs = (int)reader.Varint(MaxItems);
        for (int i = 0; i < runs && !reader.Failed; i++)
        {
            int place = (int)reader.Varint(MaxItems);
            long first = reader.Varint(long.MaxValue);
            long count = reader.Varint(MaxItems);
            if (reader.Failed || place >= lanes.Length)
            {
                return false;
            }

            long from = Math.Max(first, cursors[place][lanes[place].Origin].Value);
            for (long offset = from; offset < first + count; offset++)
            {
                window.RestoreDone(lanes[place], new Offset(offset));
            }
        }

        return reader.AtEnd;
    }
}
