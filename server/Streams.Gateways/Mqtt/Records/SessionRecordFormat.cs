using System.Buffers;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>The bytes of a session's register, drawn in docs/mqtt.md.</summary>
/// <remarks>Version 2: version byte, expiry in seconds, milliseconds since 1970 at which the client went (0 while it is connected), owner,
/// producer, table of origins, bases, subscriptions. Positions name origins by their place in the table. Version 1, still read, has no
/// producer and of a filter's flags only QoS and No Local.</remarks>
internal static class SessionRecordFormat
{
    /// <summary>The version written here.</summary>
    public const byte Version = 2;

    private const int MaxFilters = 100_000;
    private const int MaxPlaces = 1 << 20;

    private const int QosBits = 0x03;
    private const int NoLocal = 0x04;
    private const int RetainAsPublished = 0x08;
    private const int HandlingBits = 0x30;
    private const int HandlingShift = 4;
    private const int OwesRetained = 0x40;

    /// <summary>Writes the register's value.</summary>
    public static byte[] Write(SessionRecord record)
    {
        ArrayBufferWriter<byte> output = new();
        ByteWriter writer = new(output);
        writer.Byte(Version);
        writer.UInt32(record.ExpirySeconds);
        writer.UInt64((ulong)record.GoneAt);
        writer.Text(record.Owner);
        writer.Producer(record.Producer);
        List<Origin> origins = [];
        Dictionary<Origin, int> places = [];
        foreach (Cursor cursor in record.Subscriptions.Bases.Values)
        {
            Collect(cursor.Positions.Keys, origins, places);
        }

        foreach (Subscription subscription in record.Subscriptions.All)
        {
            foreach (Dictionary<Origin, Offset> lanes in subscription.Starts.Values)
            {
                Collect(lanes.Keys, origins, places);
            }
        }

        writer.Varint((ulong)origins.Count);
        foreach (Origin origin in origins)
        {
            writer.Origin(origin);
        }

        writer.Varint((ulong)record.Subscriptions.Bases.Count);
        foreach ((StreamPartition partition, Cursor cursor) in record.Subscriptions.Bases)
        {
            WritePlaces(ref writer, partition, cursor.Positions, places);
        }

        WriteSubscriptions(ref writer, record.Subscriptions, places);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>Reads a register's value; <see langword="null"/> when it is none.</summary>
    public static SessionRecord? Read(ReadOnlyMemory<byte> value)
    {
        ByteReader reader = new(value);
        byte version = reader.Byte();
        uint expiry = reader.UInt32();
        long goneAt = reader.Count64();
        string owner = reader.Text(EventHeader.MaxNameBytes);
        ProducerId producer = version > 1 ? reader.Producer() : default;
        Origin[] origins = new Origin[reader.Varint(Cursor.MaxLanes)];
        for (int i = 0; i < origins.Length && !reader.Failed; i++)
        {
            origins[i] = reader.Origin();
        }

        SessionSubscriptions subscriptions = new();
        int count = (int)reader.Varint(MaxPlaces);
        for (int i = 0; i < count && !reader.Failed; i++)
        {
            (StreamPartition partition, Dictionary<Origin, Offset> lanes) = ReadPlaces(ref reader, origins);
            subscriptions.Bases[partition] = lanes.Aggregate(Cursor.Start, static (cursor, lane) => cursor.With(lane.Key, lane.Value));
        }

        bool whole = ReadSubscriptions(ref reader, version, origins, subscriptions) && version is >= 1 and <= Version && reader.AtEnd;
        return !whole ? null : new SessionRecord
        {
            ExpirySeconds = expiry,
            GoneAt = goneAt,
            Owner = owner,
            Producer = producer,
            Subscriptions = subscriptions,
        };
    }

    private static void Collect(IEnumerable<Origin> from, List<Origin> origins, Dictionary<Origin, int> places)
    {
        foreach (Origin origin in from)
        {
            if (places.TryAdd(origin, origins.Count))
            {
                origins.Add(origin);
            }
        }
    }

    private static void WriteSubscriptions(ref ByteWriter writer, SessionSubscriptions subscriptions, Dictionary<Origin, int> places)
    {
        writer.Varint((ulong)subscriptions.Count);
        foreach (Subscription subscription in subscriptions.All)
        {
            writer.Text(subscription.Filter);
            writer.Byte(Flags(subscription));
            writer.Varint(subscription.Identifier);
            if (subscription.RetainedOwedFrom is { } topic)
            {
                writer.Text(topic);
            }

            writer.Varint((ulong)subscription.Starts.Count);
            foreach ((StreamPartition partition, Dictionary<Origin, Offset> lanes) in subscription.Starts)
            {
                WritePlaces(ref writer, partition, lanes, places);
            }
        }
    }

    private static bool ReadSubscriptions(ref ByteReader reader, byte version, Origin[] origins, SessionSubscriptions subscriptions)
    {
        int count = (int)reader.Varint(MaxFilters);
        for (int i = 0; i < count && !reader.Failed; i++)
        {
            string filter = reader.Text(ushort.MaxValue);
            byte flags = reader.Byte();
            uint identifier = (uint)reader.Varint(uint.MaxValue);
            string? owedFrom = (flags & OwesRetained) != 0 ? reader.Text(ushort.MaxValue) : null;
            Dictionary<StreamPartition, Dictionary<Origin, Offset>> starts = [];
            int partitions = (int)reader.Varint(MaxPlaces);
            for (int j = 0; j < partitions && !reader.Failed; j++)
            {
                (StreamPartition partition, Dictionary<Origin, Offset> lanes) = ReadPlaces(ref reader, origins);
                starts[partition] = lanes;
            }

            if (reader.Failed || !IsKnown(flags, version) || TopicFilter.FaultInFilter(filter) is not null
                || TopicFilter.CountLevels(filter) > TopicFilterTree<Subscription>.MaximumLevels)
            {
                return false;
            }

            subscriptions.Set(new Subscription(filter, (MqttQos)(flags & QosBits), identifier, (flags & NoLocal) != 0)
            {
                RetainAsPublished = (flags & RetainAsPublished) != 0,
                RetainHandling = (MqttRetainHandling)((flags & HandlingBits) >> HandlingShift),
                RetainedOwedFrom = owedFrom,
                Starts = starts,
            });
        }

        return !reader.Failed;
    }

    private static void WritePlaces(ref ByteWriter writer, StreamPartition partition,
        IReadOnlyCollection<KeyValuePair<Origin, Offset>> lanes, Dictionary<Origin, int> places)
    {
        writer.StreamPartition(partition);
        writer.Varint((ulong)lanes.Count);
        foreach ((Origin origin, Offset offset) in lanes)
        {
            writer.Varint((ulong)places[origin]);
            writer.Offset(offset);
        }
    }

    private static (StreamPartition Partition, Dictionary<Origin, Offset> Lanes) ReadPlaces(ref ByteReader reader, Origin[] origins)
    {
        StreamPartition partition = reader.StreamPartition();
        Dictionary<Origin, Offset> lanes = [];
        int count = (int)reader.Varint(Cursor.MaxLanes);
        for (int i = 0; i < count && !reader.Failed; i++)
        {
            long place = reader.Varint(int.MaxValue);
            Offset offset = reader.Offset();
            if (place >= origins.Length)
            {
                reader.Fail();
                break;
            }

            lanes[origins[place]] = offset;
        }

        return (partition, lanes);
    }

    private static byte Flags(Subscription subscription) => (byte)((int)subscription.Qos
        | (subscription.NoLocal ? NoLocal : 0)
        | (subscription.RetainAsPublished ? RetainAsPublished : 0)
        | ((int)subscription.RetainHandling << HandlingShift)
        | (subscription.RetainedOwedFrom is null ? 0 : OwesRetained));

    private static bool IsKnown(byte flags, byte version) => version == 1
        ? flags <= 5 && (flags & QosBits) <= 1
        : flags < 0x80 && (flags & QosBits) <= 2 && (flags & HandlingBits) != HandlingBits;
}
