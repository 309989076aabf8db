using System.Net.Sockets;
using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>Strangers at every port. Throughout, a canary's messages go round, memory stays bounded and the log stays calm.</summary>
public sealed class GarbageTests
{
    private const int Rejected = 60;
    private const int HalfOpen = 200;
    private const int Giants = 40;
    private const int Fighters = 40;

    /// <summary>A connection must be taken over just between being taken and being told so: the first wave seldom hits that.</summary>
    private const int Waves = 30;
    private const long MaxGrowthKilobytes = 200 * 1024;

    [Fact]
    public Task Strangers_at_every_port_disturb_nobody() => Rounds.PlayAsync(async chance =>
    {
        using var directory = new TemporaryDirectory();
        await using var cluster = await TestCluster.StartAloneAsync(directory);
        await using var canary = await Canary.StartAsync(cluster.Options.MqttPort);
        await canary.SingAsync();
        var before = cluster.ResidentKilobytes();
        int[] ports = [cluster.Options.MqttPort, cluster.Options.LinkPort, cluster.Options.HttpPort];
        for (var round = 0; round < Rounds.Or(2); round++)
        {
            foreach (var port in ports)
            {
                await NoiseAsync(port, chance);
                await canary.SingAsync();
            }

            await GiantsAsync(cluster, chance, canary);
            using (new Strangers(cluster.Options.MqttPort, HalfOpen, []))
            using (new Strangers(cluster.Options.LinkPort, HalfOpen / 4, []))
            using (new Strangers(cluster.Options.MqttPort, HalfOpen / 4, Connect[..9]))
            {
                await canary.SingAsync();
            }

            await canary.SingAsync();
        }

        var growth = cluster.ResidentKilobytes() - before;
        Assert.True(growth < MaxGrowthKilobytes, $"the server grew by {growth} kB");
        ServerLines.AssertCalm(cluster.Server);
    });

    [Fact]
    public async Task A_broken_packet_ends_its_own_connection_only()
    {
        using var directory = new TemporaryDirectory();
        await using var cluster = await TestCluster.StartAloneAsync(directory);
        await using var canary = await Canary.StartAsync(cluster.Options.MqttPort);
        foreach (var (bytes, what) in BrokenPackets)
        {
            using var stranger = await ConnectAsync(cluster.Options.MqttPort);
            await SendAsync(stranger, Convert.FromHexString(bytes));
            await ClosedAsync(stranger, what);
            await canary.SingAsync();
        }

        ServerLines.AssertCalm(cluster.Server);
    }

    [Fact]
    public async Task Many_connections_that_fight_over_one_client_id_leave_none_hanging()
    {
        using var directory = new TemporaryDirectory();
        await using var cluster = await TestCluster.StartAloneAsync(directory);
        for (var wave = 0; wave < Rounds.Or(Waves); wave++)
        {
            using (new Strangers(cluster.Options.MqttPort, wave % 10 == 0 ? HalfOpen : Fighters, Connect))
            {
                await OneConnectionIsLeftAsync(cluster);
            }
        }

        await using var last = await RawMqttClient.ConnectAsync(cluster.Options.MqttPort, "test", inFlight: 1);
        Assert.True(await last.PublishAsync("fleet/test", "at last"));
        await OneConnectionIsLeftAsync(cluster);
        ServerLines.AssertCalm(cluster.Server);
    }

    private static (string Bytes, string What)[] BrokenPackets =>
    [
        ("101000044D5154540402003C0004746573", "a CONNECT whose last byte is missing"),
        ("30", "a PUBLISH before CONNECT, cut"),
        ("300500016161", "a PUBLISH before CONNECT"),
        ("F000", "an AUTH before CONNECT"),
        ("10FFFFFFFF7F", "a length of five bytes"),
        ("100C00044D5154540902003C0000", "a protocol of level 9"),
        ("101000044D5154540402003C0004746573741012000000", "a second CONNECT"),
        ("101000044D5154540402003C0004746573743207000461612B620001", "a topic with a wildcard"),
        ("101000044D5154540402003C000474657374320600026161000000", "packet id 0"),
        ("101000044D5154540402003C000474657374360600026161000101", "QoS 3"),
    ];

    private static byte[] Connect => Convert.FromHexString("101000044D5154540402003C000474657374");

    /// <summary>Random bytes, some behind a well-formed greeting, on connection after connection.</summary>
    private static async Task NoiseAsync(int port, Random chance)
    {
        for (var i = 0; i < Rejected; i++)
        {
            var bytes = new byte[chance.Next(1, 4000)];
            chance.NextBytes(bytes);
            if (chance.Next(2) == 0)
            {
                bytes = [.. Connect, .. bytes];
            }

            using var stranger = await ConnectAsync(port);
            await SendAsync(stranger, bytes);
            await ClosedAsync(stranger, $"noise on port {port}");
        }
    }

    /// <summary>Packets and frames that declare more than 200 MB and begin to send it, all at once, before and behind a greeting.</summary>
    private static async Task GiantsAsync(TestCluster cluster, Random chance, Canary canary)
    {
        var filling = new byte[64 * 1024];
        chance.NextBytes(filling);
        using var first = new Strangers(cluster.Options.MqttPort, Giants, [0x10, 0xFF, 0xFF, 0xFF, 0x7F, .. filling]);
        using var second = new Strangers(cluster.Options.MqttPort, Giants, [.. Connect, 0x32, 0xFF, 0xFF, 0xFF, 0x7F, .. filling]);
        using var third = new Strangers(cluster.Options.LinkPort, Giants, [0xFF, 0xFF, 0xFF, 0x7F, .. filling]);
        await canary.SingAsync();
    }

    private static Task OneConnectionIsLeftAsync(TestCluster cluster) => Eventually.TrueAsync(
        async () => (await cluster.Api.TextAsync("api/v1/status")).Contains("\"connections\":1,", StringComparison.Ordinal),
        "only one connection is left", seen: () => cluster.Server.Report);

    private static async Task<Socket> ConnectAsync(int port)
    {
        var stranger = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await stranger.ConnectAsync("127.0.0.1", port);
        return stranger;
    }

    /// <summary>Sends all of it, then the end of the stream. A server that throws the stranger out before is as good as any.</summary>
    private static async Task SendAsync(Socket stranger, byte[] bytes)
    {
        try
        {
            for (var sent = 0; sent < bytes.Length;)
            {
                sent += await stranger.SendAsync(bytes.AsMemory(sent));
            }

            stranger.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // Thrown out.
        }
    }

    /// <summary>Reads until the server closes: it must, for nothing more comes.</summary>
    private static async Task ClosedAsync(Socket stranger, string what)
    {
        var buffer = new byte[4096];
        using var limit = new CancellationTokenSource(Eventually.DefaultLimit);
        try
        {
            while (await stranger.ReceiveAsync(buffer.AsMemory(), limit.Token) > 0)
            {
            }
        }
        catch (SocketException)
        {
            // A reset ends it as well.
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"the connection was left open after {what}");
        }
    }
}
