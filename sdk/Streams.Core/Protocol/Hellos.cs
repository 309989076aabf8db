namespace Streams.Core;

/// <summary>One producer that presents itself among others.</summary>
/// <param name="Producer">The producer.</param>
/// <param name="Waiting">For each partition with events waiting: the lowest sequence that waits.</param>
public sealed record ProducerHello(ProducerId Producer, IReadOnlyList<(StreamPartition Partition, long From)> Waiting);

/// <summary>Many producers present themselves at once: from now on this connection is the newest session here of each that is named (rule
/// R2), and of no other. The sessions of others on the same connection go on.</summary>
/// <param name="Correlation">Comes back in the answers.</param>
/// <param name="Leaving">Producers whose sessions on this connection are over: they make room for others.</param>
/// <param name="Producers">Those who present themselves; each once.</param>
public sealed record HellosRequest(uint Correlation, IReadOnlyList<ProducerId> Leaving, IReadOnlyList<ProducerHello> Producers)
{
    /// <summary>The version written. Later versions only add at the end, so every reader reads the part that it knows.</summary>
    public const byte Version = 1;

    /// <summary>Most producers of one request, and most that leave in it: more come in further requests.</summary>
    public const int MaxProducers = 1024;

    /// <summary>Writes the request.</summary>
    public void Write(ref ByteWriter writer)
    {
        writer.Byte(Version);
        writer.UInt32(Correlation);
        writer.Varint((ulong)Leaving.Count);
        foreach (ProducerId producer in Leaving)
        {
            writer.Producer(producer);
        }

        writer.Varint((ulong)Producers.Count);
        foreach (ProducerHello hello in Producers)
        {
            writer.Producer(hello.Producer);
            HelloRequest.WriteWaiting(ref writer, hello.Waiting);
        }
    }

    /// <summary>Reads a request; <see langword="null"/> when it is malformed, or names more than <see cref="HelloRequest.MaxPartitions"/>
    /// partitions in all. What a later version has added is passed over.</summary>
    public static HellosRequest? Read(ReadOnlyMemory<byte> payload)
    {
        ByteReader reader = new(payload);
        byte version = reader.Byte();
        uint correlation = reader.UInt32();
        List<ProducerId> leaving = [];
        for (int i = (int)reader.Varint(MaxProducers); i > 0 && !reader.Failed; i--)
        {
            leaving.Add(reader.Producer());
        }

        List<ProducerHello> producers = [];
        int partitions = 0;
        for (int i = (int)reader.Varint(MaxProducers); i > 0 && !reader.Failed; i--)
        {
            ProducerHello hello = new(reader.Producer(), HelloRequest.ReadWaiting(ref reader));
            partitions += hello.Waiting.Count;
            producers.Add(hello);
            if (partitions > HelloRequest.MaxPartitions)
            {
                reader.Fail();
            }
        }

        return VersionedEnd.IsWhole(reader, version, Version) ? new HellosRequest(correlation, leaving, producers) : null;
    }
}

/// <summary>What the cluster holds of one producer.</summary>
/// <param name="Producer">The producer.</param>
/// <param name="Held">For each partition asked for: the runs that end at or behind the sequence asked from, over all epochs and
/// lanes.</param>
public sealed record ProducerHeld(ProducerId Producer, IReadOnlyList<(StreamPartition Partition, IReadOnlyList<HeldRun> Runs)> Held);

/// <summary>Answers <see cref="HellosRequest"/>: what the cluster holds, flushed, of each producer (rules R1, R3). A long answer comes in
/// several messages, each naming other producers, the last with <paramref name="IsLast"/>.</summary>
/// <param name="Correlation">Of the request.</param>
/// <param name="Origin">The cluster and its incarnation: the own lane of these sessions.</param>
/// <param name="IsLast">Whether all producers of the request have been named.</param>
/// <param name="Producers">What is held of each.</param>
/// <param name="Streams">The partitions of the streams asked for by them.</param>
public sealed record HellosReply(uint Correlation, Origin Origin, bool IsLast, IReadOnlyList<ProducerHeld> Producers,
    IReadOnlyList<(StreamPath Stream, int Partitions)> Streams)
{
    /// <summary>The version written. Later versions only add at the end, so every reader reads the part that it knows.</summary>
    public const byte Version = 1;

    /// <summary>Writes the answer.</summary>
    public void Write(ref ByteWriter writer)
    {
        writer.Byte(Version);
        writer.UInt32(Correlation);
        writer.Origin(Origin);
        writer.Byte(IsLast ? (byte)1 : (byte)0);
        writer.Varint((ulong)Producers.Count);
        foreach (ProducerHeld producer in Producers)
        {
            writer.Producer(producer.Producer);
            HelloReply.WriteHeld(ref writer, producer.Held);
        }

        HelloReply.WriteStreams(ref writer, Streams);
    }

    /// <summary>Reads an answer; <see langword="null"/> when it is malformed. What a later version has added is passed over.</summary>
    public static HellosReply? Read(ReadOnlyMemory<byte> payload)
    {
        ByteReader reader = new(payload);
        byte version = reader.Byte();
        uint correlation = reader.UInt32();
        Origin origin = reader.Origin();
        byte last = reader.Byte();
        if (last > 1)
        {
            reader.Fail();
        }

        List<ProducerHeld> producers = [];
        for (int i = (int)reader.Varint(HellosRequest.MaxProducers); i > 0 && !reader.Failed; i--)
        {
            producers.Add(new ProducerHeld(reader.Producer(), HelloReply.ReadHeld(ref reader)));
        }

        IReadOnlyList<(StreamPath, int)> streams = HelloReply.ReadStreams(ref reader);
        return VersionedEnd.IsWhole(reader, version, Version)
            ? new HellosReply(correlation, origin, last == 1, producers, streams) : null;
    }
}
