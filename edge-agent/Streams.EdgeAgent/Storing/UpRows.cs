using System.Buffers;
using Streams.Client;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>Where events of producers stand at clusters.</summary>
internal static class UpRows
{
    /// <summary>The places, the latest learnt last.</summary>
    public static IReadOnlyList<EventPlace> Stand(LocalConnection db, ProducerId producer, StreamPartition partition)
    {
        Span<byte> id = stackalloc byte[ProducerId.Size];
        producer.Write(id);
        Statement select = db.Use("SELECT places FROM stands WHERE producer=?1 AND stream=?2 AND partition=?3")
            .Bind(1, id).Bind(2, partition.Stream.Value).Bind(3, (long)partition.Partition.Value);
        byte[] bytes = select.Step() ? select.Blob(0).ToArray() : [];
        select.Reset();
        List<EventPlace> places = [];
        ByteReader reader = new(bytes);
        while (!reader.AtEnd && !reader.Failed)
        {
            places.Add(new EventPlace(reader.Origin(), reader.Offset()));
        }

        return reader.Failed ? [] : places;
    }

    /// <summary>Keeps the places.</summary>
    public static void Keep(LocalConnection db, ProducerId producer, StreamPartition partition, IReadOnlyList<EventPlace> places, long at)
    {
        ArrayBufferWriter<byte> output = new(64);
        ByteWriter writer = new(output);
        foreach (EventPlace place in places)
        {
            writer.Origin(place.Origin);
            writer.Offset(place.Offset);
        }

        Span<byte> id = stackalloc byte[ProducerId.Size];
        producer.Write(id);
        db.Use("INSERT INTO stands(producer, stream, partition, places, at) VALUES(?1, ?2, ?3, ?4, ?5)"
                + " ON CONFLICT DO UPDATE SET places=?4, at=?5")
            .Bind(1, id).Bind(2, partition.Stream.Value).Bind(3, (long)partition.Partition.Value).Bind(4, output.WrittenSpan).Bind(5, at)
            .Run();
    }
}
