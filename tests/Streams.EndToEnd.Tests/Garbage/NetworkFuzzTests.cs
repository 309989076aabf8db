using System.Buffers;
using System.Net.Sockets;
using System.Text;
using Streams.Mqtt;
using Streams.Mqtt.Tests;
using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>Conversations of good and damaged packets with a live server: it answers or closes, hangs on none, logs no error, and its
/// memory is bounded. Throughout, a canary's messages go round.</summary>
public sealed class NetworkFuzzTests
{
    private const int Waves = 8;
    private const int AtOnce = 24;
    private const int MaxPackets = 30;
    private const long MaxGrowthKilobytes = 100 * 1024;

    private static readonly (MqttPacketType Type, MqttRole Receiver)[] s_v5 = Kinds(MqttVersion.V5);
    private static readonly (MqttPacketType Type, MqttRole Receiver)[] s_v311 = Kinds(MqttVersion.V311);

    [Fact]
    public Task Damaged_packets_end_their_own_connection_at_most() => Rounds.PlayAsync(async chance =>
    {
        using var directory = new TemporaryDirectory();
        await using var cluster = await TestCluster.StartAloneAsync(directory);
        await using var canary = await Canary.StartAsync(cluster.Options.MqttPort);

        // What the first conversations cost is the program's own growth: code, buffers, streams with random names.
        await WaveAsync(cluster, chance, canary);
        var before = cluster.ResidentKilobytes();
        var waves = Waves * Rounds.Or(1);
        long sent = 0;
        for (var wave = 0; wave < waves; wave++)
        {
            sent += await WaveAsync(cluster, chance, canary);
        }

        var growth = cluster.ResidentKilobytes() - before;
        Assert.True(growth < MaxGrowthKilobytes, $"the server grew by {growth} kB over {sent} packets");
        Assert.True(sent > waves * AtOnce * 2, $"only {sent} packets were sent");
        ServerLines.AssertCalm(cluster.Server);
    });

    private static (MqttPacketType Type, MqttRole Receiver)[] Kinds(MqttVersion version)
        => [.. PacketSource.Kinds(version).Where(kind => kind.Receiver == MqttRole.Server)];

    private static async Task<long> WaveAsync(TestCluster cluster, Random chance, Canary canary)
    {
        List<Task<int>> talks = [];
        for (var i = 0; i < AtOnce; i++)
        {
            talks.Add(TalkAsync(cluster.Options.MqttPort, chance.Next()));
        }

        var sent = (await Task.WhenAll(talks)).Sum();
        await canary.SingAsync();
        return sent;
    }

    /// <summary>One connection: a greeting, packets until one ends it or there are no more, then the end of the stream. Gives how many were
    /// sent.</summary>
    private static async Task<int> TalkAsync(int port, int seed)
    {
        var chance = new Random(seed);
        var version = chance.Next(2) == 0 ? MqttVersion.V5 : MqttVersion.V311;
        var source = new PacketSource(seed, version);
        var kinds = version == MqttVersion.V5 ? s_v5 : s_v311;
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using var limit = new CancellationTokenSource(Eventually.DefaultLimit);
        await client.ConnectAsync("127.0.0.1", port, limit.Token);
        var answers = DrainAsync(client, seed, limit.Token);
        var packets = chance.Next(1, MaxPackets);
        var sent = 0;
        try
        {
            await client.SendAsync(Greeting(source, chance, version), limit.Token);
            while (sent < packets && !answers.IsCompleted)
            {
                var (type, receiver) = kinds[chance.Next(kinds.Length)];
                var bytes = Encode(source.Next(type, receiver), version);
                await client.SendAsync(chance.Next(3) == 0 ? PacketDamage.Of(bytes, chance) : bytes, limit.Token);
                sent++;
            }

            client.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // Thrown out.
        }

        await answers;
        return sent;
    }

    private static byte[] Greeting(PacketSource source, Random chance, MqttVersion version)
    {
        if (chance.Next(8) == 0)
        {
            var any = Encode(source.Next(MqttPacketType.Connect, MqttRole.Server), version);
            return chance.Next(2) == 0 ? PacketDamage.Of(any, chance) : any;
        }

        // Few names, so that connections meet sessions and take each other over.
        var id = Encoding.UTF8.GetBytes($"fuzz-{chance.Next(64):00}");
        byte[] properties = version == MqttVersion.V5 ? [5, 0x11, 0, 0, 0, 30] : [];
        return
        [
            0x10, (byte)(10 + properties.Length + 2 + id.Length), 0, 4, (byte)'M', (byte)'Q', (byte)'T', (byte)'T',
            (byte)(version == MqttVersion.V5 ? 5 : 4), (byte)(chance.Next(2) * 2), 0, 60, .. properties, 0, (byte)id.Length, .. id,
        ];
    }

    private static byte[] Encode(MqttPacket packet, MqttVersion version)
    {
        var output = new ArrayBufferWriter<byte>();
        MqttPacketWriter.Write(output, packet, version);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>Reads until the server closes: it must, for the stream ends.</summary>
    private static async Task DrainAsync(Socket client, int seed, CancellationToken cancellationToken)
    {
        var buffer = new byte[4096];
        try
        {
            while (await client.ReceiveAsync(buffer.AsMemory(), cancellationToken) > 0)
            {
            }
        }
        catch (SocketException)
        {
            // A reset ends it as well.
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"the connection of the conversation with seed {seed} was left open");
        }
    }
}
