using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>A subscriber that stops reading costs the server nothing: what it is owed stays in the log, and is read from there when it goes
/// on.</summary>
public sealed class StalledSubscriberTests
{
    private const int PayloadBytes = 64 * 1024;
    private const int MessagesPerRound = 2048;
    private const long MaxGrowthKilobytes = 64 * 1024;
    private const string Topic = "bulk/1";

    /// <summary>128 MiB in an ordinary run; a gibibyte with STREAMS_ROUNDS=8.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(0)]
    public async Task The_servers_memory_does_not_grow_and_all_comes_in_order(int qos)
    {
        using var directory = new TemporaryDirectory();
        await using var cluster = await TestCluster.StartAloneAsync(directory);
        await using var publisher = await RawMqttClient.ConnectAsync(cluster.Options.MqttPort, "bulk", inFlight: 16);
        using var subscriber = await SubscribedAsync(cluster.Options.MqttPort, qos);

        // What the first messages cost is buffers and code that any load needs.
        await PublishAsync(publisher, 0, 256);
        var before = cluster.ResidentKilobytes();
        var count = MessagesPerRound * Rounds.Or(1);
        await PublishAsync(publisher, 256, count);
        var growth = cluster.ResidentKilobytes() - before;
        await ReadAllAsync(subscriber.GetStream(), count);
        Assert.True(growth < MaxGrowthKilobytes, $"the server grew by {growth} kB while {count} messages waited");
        growth = cluster.ResidentKilobytes() - before;
        Assert.True(growth < MaxGrowthKilobytes, $"the server grew by {growth} kB while {count} messages were read");
        ServerLines.AssertCalm(cluster.Server);
    }

    private static async Task PublishAsync(RawMqttClient publisher, int from, int to)
    {
        var filling = new string('x', PayloadBytes - 8);
        List<Task<bool>> answers = [];
        for (var number = from; number < to; number++)
        {
            answers.Add(await publisher.SendAsync(Topic, $"{number:00000000}{filling}"));
        }

        Assert.All(await Task.WhenAll(answers), Assert.True);
    }

    private static async Task<TcpClient> SubscribedAsync(int port, int qos)
    {
        var client = new TcpClient { ReceiveBufferSize = PayloadBytes };
        await client.ConnectAsync("127.0.0.1", port);
        var stream = client.GetStream();
        await stream.WriteAsync(Convert.FromHexString("101100044D5154540402000000057374616C6C"));
        Assert.Equal("20020000", await BytesAsync(stream, 4));
        await stream.WriteAsync(Convert.FromHexString("820B0001000662756C6B2F23").Concat(new[] { (byte)qos }).ToArray());
        Assert.Equal($"90030001{qos:X2}", await BytesAsync(stream, 5));
        return client;
    }

    private static async Task<string> BytesAsync(NetworkStream stream, int count)
    {
        var bytes = new byte[count];
        await stream.ReadExactlyAsync(bytes);
        return Convert.ToHexString(bytes);
    }

    private static async Task ReadAllAsync(NetworkStream stream, int count)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(4));
        var input = new BufferedStream(stream, 1 << 20);
        var body = new byte[PayloadBytes + 64];
        for (var number = 0; number < count; number++)
        {
            var header = new byte[1];
            await input.ReadExactlyAsync(header, limit.Token);
            Assert.Equal(0x30, header[0] & 0xF9);
            var length = await LengthAsync(input, limit.Token);
            await input.ReadExactlyAsync(body.AsMemory(0, length), limit.Token);
            var at = 2 + Topic.Length;
            Assert.Equal(Topic, Encoding.UTF8.GetString(body, 2, Topic.Length));
            if ((header[0] & 0x06) == 0x02)
            {
                await stream.WriteAsync(new byte[] { 0x40, 2, body[at], body[at + 1] }, limit.Token);
                at += 2;
            }

            Assert.Equal(number, int.Parse(Encoding.ASCII.GetString(body, at, 8), CultureInfo.InvariantCulture));
            Assert.Equal(PayloadBytes, length - at);
        }
    }

    private static async Task<int> LengthAsync(Stream input, CancellationToken cancellationToken)
    {
        var length = 0;
        var digit = new byte[1];
        for (var shift = 0; ; shift += 7)
        {
            await input.ReadExactlyAsync(digit, cancellationToken);
            length |= (digit[0] & 0x7F) << shift;
            if (digit[0] < 0x80)
            {
                return length;
            }
        }
    }
}
