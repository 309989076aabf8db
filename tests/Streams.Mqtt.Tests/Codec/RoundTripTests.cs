using System.Buffers;

namespace Streams.Mqtt.Tests;

public class RoundTripTests
{
    [Theory]
    [InlineData(MqttVersion.V5)]
    [InlineData(MqttVersion.V311)]
    public void Every_packet_type_comes_back_as_it_was_written(MqttVersion version)
    {
        for (int seed = 0; seed < 300; seed++)
        {
            PacketSource source = new(seed, version);
            foreach ((MqttPacketType type, MqttRole receiver) in PacketSource.Kinds(version))
            {
                MqttPacket packet = source.Next(type, receiver);
                MqttPacket back = Wire.Decode(Wire.Encode(packet, version), Options(version, receiver, type));
                Assert.True(PacketText.Of(packet) == PacketText.Of(back), $"seed {seed}: {PacketText.Of(packet)}\n{PacketText.Of(back)}");
            }
        }
    }

    [Theory]
    [InlineData(MqttVersion.V5)]
    [InlineData(MqttVersion.V311)]
    public void A_packet_cut_at_any_byte_needs_more_and_then_is_the_same(MqttVersion version)
    {
        for (int seed = 1000; seed < 1010; seed++)
        {
            PacketSource source = new(seed, version);
            foreach ((MqttPacketType type, MqttRole receiver) in PacketSource.Kinds(version))
            {
                MqttPacket packet = source.Next(type, receiver);
                byte[] bytes = Wire.Encode(packet, version);
                MqttDecodeOptions options = Options(version, receiver, type);
                string expected = PacketText.Of(packet);
                for (int cut = 0; cut < bytes.Length; cut++)
                {
                    ReadOnlySequence<byte> part = new(bytes, 0, cut);
                    Assert.False(MqttPacketReader.TryRead(ref part, options, out _));
                    Assert.Equal(cut, part.Length);

                    ReadOnlySequence<byte> whole = Wire.Cut(bytes, cut);
                    Assert.True(MqttPacketReader.TryRead(ref whole, options, out MqttPacket? back));
                    Assert.Equal(expected, PacketText.Of(back));
                }

                ReadOnlySequence<byte> single = Wire.Cut(bytes, [.. Enumerable.Range(1, bytes.Length - 1)]);
                Assert.True(MqttPacketReader.TryRead(ref single, options, out MqttPacket? bySingles));
                Assert.Equal(expected, PacketText.Of(bySingles));
            }
        }
    }

    [Fact]
    public void Packets_behind_each_other_are_read_one_by_one()
    {
        PacketSource source = new(7, MqttVersion.V5);
        List<MqttPacket> packets = [.. Enumerable.Range(0, 20).Select(_ => source.Next(MqttPacketType.Publish, MqttRole.Server))];
        ReadOnlySequence<byte> buffer = new([.. packets.SelectMany(p => Wire.Encode(p))]);
        foreach (MqttPacket packet in packets)
        {
            Assert.True(MqttPacketReader.TryRead(ref buffer, Wire.ServerV5, out MqttPacket? back));
            Assert.Equal(PacketText.Of(packet), PacketText.Of(back));
        }

        Assert.False(MqttPacketReader.TryRead(ref buffer, Wire.ServerV5, out _));
    }

    internal static MqttDecodeOptions Options(MqttVersion version, MqttRole receiver, MqttPacketType type) => new()
    {
        Role = receiver,
        Version = type == MqttPacketType.Connect ? null : version,
    };
}
