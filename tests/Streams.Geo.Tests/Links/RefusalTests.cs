using System.Net;
using System.Net.Sockets;
using Streams.Core;
using Streams.Testing;

namespace Streams.Geo.Tests;

public sealed class RefusalTests
{
    [Theory]
    [InlineData("z", "this is b, not z")]
    [InlineData("long-and-wrong", "this is b, not long-and-wrong")]
    public async Task A_target_that_is_somebody_else_is_refused(string meant, string reason)
    {
        await using var b = await new GeoCluster("b").StartAsync();
        await using var a = await new GeoCluster("a").StartAsync(GeoCluster.Target(meant, b.Port));
        await Eventually.TrueAsync(() => a.Outgoing.LastError?.Contains(reason) == true, "the reason shows", seen: () =>
            a.Outgoing.ToString());
        a.Write(3);
        Assert.Empty(b.Store.Lanes());
    }

    [Fact]
    public async Task Two_clusters_of_one_name_do_not_link()
    {
        await using var b = await new GeoCluster("b").StartAsync();
        using var connection = new FrameConnection(await GeoCluster.DialAsync(b.Port));
        connection.Write(new HelloFrame(LinkLimits.ProtocolVersion, new Origin(ClusterName.Parse("b"), new(1)), ClusterName.Parse("b"),
            false));
        await connection.FlushAsync(default);
        Assert.Contains("names of clusters must be unique",
            Assert.IsType<RefusedFrame>(Assert.Single(await FramesAsync(connection))).Reason);
    }

    [Fact]
    public async Task Another_version_of_the_protocol_is_refused_in_words()
    {
        await using var b = await new GeoCluster("b").StartAsync();
        using var connection = new FrameConnection(await GeoCluster.DialAsync(b.Port));
        connection.Write(new HelloFrame(99, new Origin(ClusterName.Parse("a"), new(1)), ClusterName.Parse("b"), false));
        await connection.FlushAsync(default);
        Assert.Contains("version 99", Assert.IsType<RefusedFrame>(Assert.Single(await FramesAsync(connection))).Reason);
    }

    [Fact]
    public async Task More_senders_than_allowed_are_refused()
    {
        await using var b = new GeoCluster("b");
        b.Options = b.Options with { MaxIncoming = 1 };
        await b.StartAsync();
        await using var a = await new GeoCluster("a").StartAsync(GeoCluster.Target("b", b.Port));
        a.Write(1);
        await a.ReachesAsync(b);
        await using var c = await new GeoCluster("c").StartAsync(GeoCluster.Target("b", b.Port));
        await Eventually.TrueAsync(() => c.Outgoing.LastError?.Contains("no more are allowed") == true, "the reason shows");
        Assert.Equal(LinkState.Level, a.Outgoing.State);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: here\r\n\r\n")]
    [InlineData("\u0016\u0003\u0001\u0002\0\u0001\0\u0001\u00fc\u0003")]
    public async Task Garbage_ends_the_connection_with_a_log_line_and_nothing_else(string garbage)
    {
        await using var b = await new GeoCluster("b").StartAsync();
        await EndsAsync(b, System.Text.Encoding.Latin1.GetBytes(garbage), "link frame");
        await using var a = await new GeoCluster("a").StartAsync(GeoCluster.Target("b", b.Port));
        a.Write(1);
        await a.ReachesAsync(b);
    }

    [Fact]
    public async Task A_huge_declared_length_takes_no_memory()
    {
        await using var b = await new GeoCluster("b").StartAsync();
        var before = GC.GetTotalAllocatedBytes();
        await EndsAsync(b, [0xFF, 0xFF, 0xFF, 0x7F, 1, 2, 3, 4, (byte)FrameType.Hello], "declares 2147483647 bytes, at most 4096");
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 50_000_000);
    }

    [Fact]
    public async Task A_frame_whose_checksum_is_wrong_ends_the_connection()
    {
        await using var b = await new GeoCluster("b").StartAsync();
        await EndsAsync(b, [1, 0, 0, 0, 9, 9, 9, 9, (byte)FrameType.Hello, 7], "checksum");
    }

    [Fact]
    public async Task Frames_out_of_order_end_the_connection()
    {
        await using var b = await new GeoCluster("b").StartAsync();
        System.Buffers.ArrayBufferWriter<byte> bytes = new();
        new FrameWriter().Write(bytes, new StateEndFrame(1));
        await EndsAsync(b, bytes.WrittenSpan.ToArray(), "StateEnd is not expected while Greeting");
    }

    [Fact]
    public async Task A_port_in_use_says_so_at_the_start()
    {
        await using var b = await new GeoCluster("b").StartAsync();
        await using var c = new GeoCluster("c");
        c.Options = c.Options with { Listen = new IPEndPoint(IPAddress.Loopback, b.Port) };
        var thrown = await Assert.ThrowsAsync<ConfigurationException>(() => c.StartAsync());
        Assert.Contains($"cannot listen at 127.0.0.1:{b.Port}", thrown.Message);
    }

    [Fact]
    public void All_faults_of_the_options_are_reported_together()
    {
        var options = new GeoOptions
        {
            Targets = [.. Enumerable.Range(0, 65).Select(i => GeoCluster.Target("t" + i, 1)), new(ClusterName.Parse("a"), "", 0)],
            CreditBytes = 1,
        };
        var message = Assert.Throws<ConfigurationException>(() => options.Validate(ClusterName.Parse("a"))).Message;
        Assert.Contains("66 targets, at most 64", message);
        Assert.Contains("this cluster itself", message);
        Assert.Contains("credit", message);
        Assert.Equal(4, message.Split('\n').Length);
    }

    private static async Task EndsAsync(GeoCluster cluster, byte[] bytes, string reason)
    {
        using var socket = await GeoCluster.DialAsync(cluster.Port);
        await socket.SendAsync(bytes);
        var ended = false;
        try
        {
            ended = await socket.ReceiveAsync(new byte[10]) == 0;
        }
        catch (SocketException)
        {
            ended = true;
        }

        Assert.True(ended);
        await Eventually.TrueAsync(() => cluster.Logs.Entries.Any(log =>
            log.EventId.Id == 2007 && log.Message.Contains(reason)), "the log says why",
            seen: () => string.Join('\n', cluster.Logs.Entries.Select(log => log.Message)));
    }

    private static async Task<List<LinkFrame>> FramesAsync(FrameConnection connection)
    {
        List<LinkFrame> frames = [];
        await connection.ReadAsync(() => LinkLimits.MaxBodyBytes, frames.Add, default);
        return frames;
    }
}
