using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Streams.Testing;

namespace Streams.Tidy.Tests;

public sealed class CuttingProxyTests : IAsyncLifetime
{
    private readonly EchoServer _server = new();
    private readonly List<TcpClient> _clients = [];
    private CuttingProxy _proxy = null!;

    public Task InitializeAsync()
    {
        _proxy = CuttingProxy.Start(_server.Port);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        _clients.ForEach(client => client.Dispose());
        await _proxy.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Bytes_pass_unchanged_both_ways_and_are_counted()
    {
        var client = await ConnectAsync();
        var sent = new byte[3_000_000];
        new SeededRandom(7).NextBytes(sent);

        var writing = client.WriteAsync(sent).AsTask();
        var received = new byte[sent.Length];
        await client.ReadExactlyAsync(received);
        await writing;

        Assert.True(sent.AsSpan().SequenceEqual(received));
        Assert.Equal(sent.Length, _proxy.BytesToTarget);
        Assert.Equal(sent.Length, _proxy.BytesToClient);
        Assert.Equal(1, _proxy.ConnectionsAccepted);
        Assert.Equal(1, _proxy.ConnectionsOpen);
    }

    [Fact]
    public async Task An_orderly_end_travels_through()
    {
        var client = await ConnectAsync();
        await EchoAsync(client, 1);
        _clients[0].Client.Shutdown(SocketShutdown.Send);

        Assert.Equal(0, await client.ReadAsync(new byte[1]));
        await Eventually.EqualAsync(0, () => _proxy.ConnectionsOpen, "the connection is gone");
    }

    [Fact]
    public async Task A_cut_with_reset_breaks_connections_and_refuses_new_ones_until_restored()
    {
        var client = await ConnectAsync();
        await EchoAsync(client, 1);

        await _proxy.CutAsync();

        await IsResetAsync(client);
        var refused = await Assert.ThrowsAsync<SocketException>(ConnectAsync);
        Assert.Equal(SocketError.ConnectionRefused, refused.SocketErrorCode);
        await Eventually.EqualAsync(0, () => _server.Open, "the server lost its connection");

        _proxy.Restore();
        await EchoAsync(await ConnectAsync(), 2);
    }

    [Fact]
    public async Task A_cut_with_close_shows_as_an_orderly_end()
    {
        var client = await ConnectAsync();
        await EchoAsync(client, 1);
        await _proxy.CutAsync(CutStyle.Close);
        Assert.Equal(0, await client.ReadAsync(new byte[1]));
        Assert.Equal(0, _proxy.ConnectionsOpen);
    }

    [Fact]
    public async Task Answers_cut_one_way_are_swallowed_while_requests_arrive()
    {
        var client = await ConnectAsync();
        await EchoAsync(client, 1);
        _proxy.CutOneWay(Direction.ToClient);

        await client.WriteAsync(new byte[] { 2, 3 });
        await Eventually.EqualAsync(3, () => _server.Received, "the requests arrived");
        await Eventually.EqualAsync(2, () => _proxy.BytesSwallowed, "the answers were swallowed");

        // The other way is not cut, also behind the first answer that was lost.
        await client.WriteAsync(new byte[] { 4 });
        await Eventually.EqualAsync(4, () => _server.Received, "a later request arrived");
        await Eventually.EqualAsync(3, () => _proxy.BytesSwallowed, "its answer was swallowed");
        Assert.Equal(1, _proxy.BytesToClient);
        Assert.Equal(1, _proxy.ConnectionsOpen);

        // A stream with a hole in it may not live on.
        _proxy.Restore();
        await IsResetAsync(client);
        await EchoAsync(await ConnectAsync(), 5);
    }

    [Fact]
    public async Task Requests_cut_one_way_never_arrive_and_an_untouched_connection_survives()
    {
        var client = await ConnectAsync();
        var bystander = await ConnectAsync();
        await EchoAsync(bystander, 1);
        _proxy.CutOneWay(Direction.ToTarget);

        await client.WriteAsync(new byte[] { 2, 3, 4 });
        await Eventually.EqualAsync(3, () => _proxy.BytesSwallowed, "the requests were swallowed");
        Assert.Equal(1, _server.Received);

        _proxy.Restore();
        await EchoAsync(bystander, 5);
    }

    [Fact]
    public async Task Stalled_bytes_go_on_their_way_when_restored()
    {
        var client = await ConnectAsync();
        await EchoAsync(client, 1);
        _proxy.Stall(Direction.ToTarget);
        await client.WriteAsync(new byte[] { 2 });
        var answer = client.ReadAsync(new byte[1]).AsTask();
        await Eventually.EqualAsync(1, () => _proxy.ConnectionsOpen, "the connection stays");
        Assert.Equal(1, _server.Received);

        _proxy.Restore();
        Assert.Equal(1, await answer);
        Assert.Equal(2, _server.Received);
    }

    [Fact]
    public async Task A_stall_stops_the_sender_within_bounds()
    {
        var client = await ConnectAsync();
        _proxy.Stall(Direction.ToTarget);
        using var enough = new CancellationTokenSource(TimeSpan.FromSeconds(1));

        // 256 MiB is far more than the buffers of the proxy and of two sockets may take.
        var chunk = new byte[1024 * 1024];
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            for (var sent = 0; sent < 256; sent++)
            {
                await client.WriteAsync(chunk, enough.Token);
            }
        });
        Assert.Equal(0, _proxy.BytesToTarget);
    }

    [Fact]
    public async Task A_target_that_is_down_shows_as_a_reset()
    {
        await using var proxy = CuttingProxy.Start(FreePort.Next());
        using var client = new TcpClient();

        // The reset may arrive before the platform reports the connection as made.
        var failure = await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            await client.ConnectAsync(IPAddress.Loopback, proxy.Port);
            await client.GetStream().ReadExactlyAsync(new byte[1]);
        });
        var cause = Assert.IsType<SocketException>(failure is IOException ? failure.InnerException : failure);
        Assert.Equal(SocketError.ConnectionReset, cause.SocketErrorCode);
    }

    [Fact]
    public async Task Delay_and_rate_cap_take_their_time()
    {
        var delay = TimeSpan.FromMilliseconds(60);
        await using var slow = CuttingProxy.Start(_server.Port, new CuttingProxyOptions { Delay = delay, MaxBytesPerSecond = 100_000 });
        var started = Stopwatch.GetTimestamp();
        var client = await ConnectAsync(slow.Port);
        await EchoAsync(client, 1);
        Assert.True(Stopwatch.GetElapsedTime(started) >= 2 * delay, "the delay was not kept on both ways");

        // 40,000 bytes at 100,000 a second are 400 ms; the last chunk of 16 KiB is let through when its turn begins.
        started = Stopwatch.GetTimestamp();
        var writing = client.WriteAsync(new byte[40_000]).AsTask();
        await client.ReadExactlyAsync(new byte[40_000]);
        await writing;
        Assert.True(Stopwatch.GetElapsedTime(started) >= TimeSpan.FromMilliseconds(200), "the rate cap was not kept");
    }

    private static async Task IsResetAsync(NetworkStream stream)
    {
        var broken = await Assert.ThrowsAsync<IOException>(async () => await stream.ReadExactlyAsync(new byte[1]));
        Assert.Equal(SocketError.ConnectionReset, Assert.IsType<SocketException>(broken.InnerException).SocketErrorCode);
    }

    private static async Task EchoAsync(NetworkStream stream, byte value)
    {
        await stream.WriteAsync(new[] { value });
        var answer = new byte[1];
        await stream.ReadExactlyAsync(answer);
        Assert.Equal(value, answer[0]);
    }

    private Task<NetworkStream> ConnectAsync() => ConnectAsync(_proxy.Port);

    private async Task<NetworkStream> ConnectAsync(int port)
    {
        var client = new TcpClient { NoDelay = true };
        _clients.Add(client);
        await client.ConnectAsync(IPAddress.Loopback, port);
        return client.GetStream();
    }
}
