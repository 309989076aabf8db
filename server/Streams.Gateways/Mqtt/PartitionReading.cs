using System.Buffers;
using System.Text;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>One partition as one MQTT session reads it.</summary>
internal sealed class PartitionReading
{
    // Replaced, never changed: sessions that share the reading ask at the same time.
    private volatile Dictionary<Origin, byte[]> _places = [];

    public PartitionReading(GatewayServices services, StreamPartition partition, string prefix, SessionSubscriptions subscriptions,
        AccessSubject? subject, Cursor cursor)
    {
        Partition = partition;
        Prefix = Encoding.UTF8.GetBytes(prefix);
        View = new PartitionView(services.Store, services.Horizon, partition);
        Filter = new SubscriptionFilter(partition, prefix, subscriptions, services.Access, subject);
        Reader = new GatedReader(View, Filter, cursor, services.Options.ReaderLimits);
    }

    /// <summary>The partition.</summary>
    public StreamPartition Partition { get; }

    /// <summary>What its MQTT topics begin with.</summary>
    public byte[] Prefix { get; }

    /// <summary>What is here.</summary>
    public PartitionView View { get; }

    /// <summary>What is wanted.</summary>
    public SubscriptionFilter Filter { get; }

    /// <summary>What is decided.</summary>
    public GatedReader Reader { get; }

    /// <summary>Whether it stands in the queue of partitions to go on with.</summary>
    public bool IsQueued { get; set; }

    /// <summary>Whether no filter covers its stream any more; acknowledgements still under way mean nothing then.</summary>
    public bool IsEnded { get; set; }

    /// <summary>Whether an event was given since the cursor was last committed; else the commit can wait.</summary>
    public bool GivenSinceCommit { get; set; }

    /// <summary>Whether it began again elsewhere, since that was last asked: what it gives then is wanted once more (rule R11).</summary>
    public bool IsRewound { get; set; }

    /// <summary>Since when the cursor waits to be committed.</summary>
    public TimeSpan? NewsSince { get; set; }

    /// <summary>What was counted when it was last reported.</summary>
    public ReaderCounts Reported;

    /// <summary>The user properties that name stream, partition and origin, encoded.</summary>
    public ReadOnlySpan<byte> Place(Origin origin)
    {
        if (!_places.TryGetValue(origin, out byte[]? place))
        {
            ArrayBufferWriter<byte> output = new();
            WritePlace(output, Partition, origin);
            place = output.WrittenSpan.ToArray();
            _places = new Dictionary<Origin, byte[]>(_places) { [origin] = place };
        }

        return place;
    }

    /// <summary>Writes the user properties that name stream, partition and origin.</summary>
    public static void WritePlace(ArrayBufferWriter<byte> output, StreamPartition partition, Origin origin)
    {
        MqttPacketWriter.WriteUserProperty(output, "stream", partition.Stream.Value);
        MqttPacketWriter.WriteUserProperty(output, "partition", partition.Partition.ToString());
        MqttPacketWriter.WriteUserProperty(output, "origin", origin.ToString());
    }
}
