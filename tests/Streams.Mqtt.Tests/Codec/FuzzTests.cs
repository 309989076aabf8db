using System.Buffers;
using Streams.Testing;

namespace Streams.Mqtt.Tests;

public class FuzzTests
{
    [Theory]
    [InlineData(MqttVersion.V5)]
    [InlineData(MqttVersion.V311)]
    public void Damaged_packets_are_refused_or_need_more_and_cost_little_memory(MqttVersion version)
    {
        int refused = 0;
        int read = 0;
        int incomplete = 0;
        for (int seed = 0; seed < 150 * Seeds.Rounds(1); seed++)
        {
            PacketSource source = new(seed, version);
            Random random = new(seed);
            foreach ((MqttPacketType type, MqttRole receiver) in PacketSource.Kinds(version))
            {
                byte[] good = Wire.Encode(source.Next(type, receiver), version);
                MqttDecodeOptions options = RoundTripTests.Options(version, receiver, type);
                for (int round = 0; round < 25; round++)
                {
                    byte[] bad = PacketDamage.Of(good, random);
                    long before = GC.GetAllocatedBytesForCurrentThread();
                    switch (TryRead(bad, options, random))
                    {
                        case null:
                            refused++;
                            break;
                        case true:
                            read++;
                            break;
                        default:
                            incomplete++;
                            break;
                    }

                    long cost = GC.GetAllocatedBytesForCurrentThread() - before;
                    Assert.True(cost < 64 * 1024, $"seed {seed}: {cost} bytes for {Convert.ToHexString(bad)}");
                }
            }
        }

        // All three outcomes must come up, or the damage is not what it should be.
        Assert.True(refused > 1000 && read > 100 && incomplete > 100, $"{refused} refused, {read} read, {incomplete} incomplete");
    }

    [Fact]
    public void Random_bytes_are_refused_or_need_more()
    {
        Random random = new(99);
        byte[] bytes = new byte[64];
        for (int i = 0; i < 30_000; i++)
        {
            random.NextBytes(bytes);
            bytes[1] = (byte)random.Next(0, 62);
            TryRead(bytes[..random.Next(1, 64)], i % 2 == 0 ? Wire.ServerV5 : Wire.ClientV5, random);
            TryRead(bytes[..random.Next(1, 64)], i % 2 == 0 ? Wire.ServerV311 : Wire.NewServer, random);
        }
    }

    [Fact]
    public void What_is_read_from_damaged_packets_can_be_written_and_read_again()
    {
        int again = 0;
        for (int seed = 0; seed < 100; seed++)
        {
            PacketSource source = new(seed, MqttVersion.V5);
            Random random = new(seed);
            foreach ((MqttPacketType type, MqttRole receiver) in PacketSource.Kinds(MqttVersion.V5))
            {
                byte[] bad = PacketDamage.Of(Wire.Encode(source.Next(type, receiver)), random);
                MqttDecodeOptions options = RoundTripTests.Options(MqttVersion.V5, receiver, type);
                MqttPacket? packet;
                try
                {
                    ReadOnlySequence<byte> buffer = new(bad);
                    if (!MqttPacketReader.TryRead(ref buffer, options, out packet))
                    {
                        continue;
                    }
                }
                catch (MqttProtocolException)
                {
                    continue;
                }

                MqttVersion version = (packet as MqttConnectPacket)?.Version ?? MqttVersion.V5;
                Assert.Equal(PacketText.Of(packet), PacketText.Of(Wire.Decode(Wire.Encode(packet, version), options)));
                again++;
            }
        }

        Assert.True(again > 100, $"only {again} damaged packets could be read");
    }

    // Null: refused. Anything but MqttProtocolException fails the test.
    private static bool? TryRead(byte[] bytes, MqttDecodeOptions options, Random random)
    {
        try
        {
            ReadOnlySequence<byte> buffer = random.Next(2) == 0 ? new(bytes) : Wire.Cut(bytes, random.Next(bytes.Length + 1));
            return MqttPacketReader.TryRead(ref buffer, options, out _);
        }
        catch (MqttProtocolException)
        {
            return null;
        }
    }
}
