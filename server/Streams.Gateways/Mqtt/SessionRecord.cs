using System.Buffers;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>A session as the log keeps it: register <c>session/{client}</c> of <c>/$mqtt</c>. Drawn in docs/mqtt.md.</summary>
/// <remarks>Version 1: version byte, expiry in seconds, milliseconds since 1970 at which the client went (0 while it is connected),
/// owner, table of origins, bases,
/// subscriptions. Positions name origins by their place in the table.</remarks>
internal sealed class SessionRecord
{
    /// <summary>The stream of all sessions.</summary>
    public static readonly StreamPath Stream = StreamPath.Parse("/$mqtt");

    /// <summary>An expiry that never comes.</summary>
    public const uint NeverExpires = uint.MaxValue;

    private const byte Version = 1;
    private const int MaxFilters = 100_000;
    private const int MaxPlaces = 1 << 20;

    /// <summary>Seconds that the session outlives its connection.</summary>
    public required uint ExpirySeconds { get; init; }

    /// <summary>When the client went, in milliseconds since 1970; 0 while it is connected.</summary>
    public required long GoneAt { get; init; }

    /// <summary>Which connection at which cluster has the session.</summary>
    public required string Owner { get; init; }

    /// <summary>Filters and bases.</summary>
    public required SessionSubscriptions Subscriptions { get; init; }

    /// <summary>The register's key.</summary>
    public static string Key(string clientId) => "session/" + clientId;

    /// <summary>Whether nobody may go on with it any more.</summary>
    public bool IsExpired(DateTimeOffset now) =>
        GoneAt > 0 && ExpirySeconds != NeverExpires && now.ToUnixTimeMilliseconds() - GoneAt >= ExpirySeconds * 1000L;

    /// <summary>Writes the register's value.</summary>
    public byte[] Write()
    {
        ArrayBufferWriter<byte> output = new();
        ByteWriter writer = new(output);
        writer.Byte(Version);
        writer.UInt32(ExpirySeconds);
        writer.UInt64((ulong)GoneAt);
        writer.Text(Owner);
        List<Origin> origins = [];
        Dictionary<Origin, int> places = [];
        foreach (Cursor cursor in Subscriptions.Bases.Values)
        {
            Collect(cursor.Positions.Keys, origins, places);
        }

        foreach (Subscription subscription in Subscriptions.All)
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

        writer.Varint((ulong)Subscriptions.Bases.Count);
        foreach ((StreamPartition partition, Cursor cursor) in Subscriptions.Bases)
        {
            WritePlaces(ref writer, partition, cursor.Positions, places);
        }

        WriteSubscriptions(ref writer, places);
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

        return ReadSubscriptions(ref reader, origins, subscriptions) && version == Version && reader.AtEnd
            ? new SessionRecord { ExpirySeconds = expiry, GoneAt = goneAt, Owner = owner, Subscriptions = subscriptions } : null;
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

    private void WriteSubscriptions(ref ByteWriter writer, Dictionary<Origin, int> places)
    {
        writer.Varint((ulong)Subscriptions.Count);
        foreach (Subscription subscription in Subscriptions.All)
        {
            writer.Text(subscription.Filter);
            writer.Byte((byte)((byte)subscription.Qos | (subscription.NoLocal ? 4 : 0)));
            writer.Varint(subscription.Identifier);
            writer.Varint((ulong)subscription.Starts.Count);
            foreach ((StreamPartition partition, Dictionary<Origin, Offset> lanes) in subscription.Starts)
            {
                WritePlaces(ref writer, partition, lanes, places);
            }
        }
    }

    private static bool ReadSubscriptions(ref ByteReader reader, Origin[] origins, SessionSubscriptions subscriptions)
    {
        int count = (int)reader.Varint(MaxFilters);
        for (int i = 0; i < count && !reader.Failed; i++)
        {
            string filter = reader.Text(ushort.MaxValue);
            byte flags = reader.Byte();
            uint identifier = (uint)reader.Varint(uint.MaxValue);
            Dictionary<StreamPartition, Dictionary<Origin, Offset>> starts = [];
            int partitions = (int)reader.Varint(MaxPlaces);
            for (int j = 0; j < partitions && !reader.Failed; j++)
            {
                (StreamPartition partition, Dictionary<Origin, Offset> lanes) = ReadPlaces(ref reader, origins);
                starts[partition] = lanes;
            }

            if (reader.Failed || flags > 5 || (flags & 3) > 1 || TopicFilter.FaultInFilter(filter) is not null
                || TopicFilter.CountLevels(filter) > TopicFilterTree<Subscription>.MaximumLevels)
            {
                return false;
            }

            subscriptions.Set(new Subscription(filter, (MqttQos)(flags & 3), identifier, (flags & 4) != 0) { Starts = starts });
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
}
