using System.Buffers;
using System.IO.Pipelines;

namespace Streams.Mqtt.Tests;

public class MqttConnectionTests
{
    [Fact]
    public async Task A_server_takes_the_version_from_connect_even_for_packets_behind_it()
    {
        PipePair pair = new();
        await using MqttConnection server = new(pair.Near, Wire.NewServer);
        Assert.Null(server.Version);
        await pair.Far.Output.WriteAsync(Wire.Packet(0x10, "'MQTT' 04 02 0000 'c'"));
        await pair.Far.Output.WriteAsync(Wire.Bytes("30 03 0001 61"));
        Assert.IsType<MqttConnectPacket>(await server.ReadAsync().Soon());
        Assert.Equal(MqttVersion.V311, server.Version);
        Assert.Equal("a", Assert.IsType<MqttPublishPacket>(await server.ReadAsync().Soon()).Topic);
        pair.Far.Output.Complete();
        Assert.Null(await server.ReadAsync().Soon());
        Assert.Null(await server.ReadAsync().Soon());
    }

    [Fact]
    public async Task Packets_arriving_byte_by_byte_are_read()
    {
        PipePair pair = new();
        await using MqttConnection server = new(pair.Near, Wire.NewServer);
        byte[] bytes = [.. Wire.Packet(0x10, "'MQTT' 05 02 0000 00 'c'"), .. Wire.Bytes("30 06 0001 61 00 4142 C000")];
        Task<List<string>> reading = ReadAll(server);
        foreach (byte b in bytes)
        {
            await pair.Far.Output.WriteAsync(new[] { b });
        }

        pair.Far.Output.Complete();
        Assert.Equal(["Connect", "Publish AB", "Pingreq"], await reading.Soon());
    }

    [Fact]
    public async Task A_packet_larger_than_the_pipe_passes()
    {
        PipePair pair = new(pauseAt: 4096);
        await using MqttConnection sender = new(pair.Far, Wire.ClientV5);
        await using MqttConnection receiver = new(pair.Near, Wire.ServerV5);
        byte[] payload = new byte[500_000];
        new Random(5).NextBytes(payload);
        ValueTask writing = sender.WriteAsync(new MqttPublishPacket { Topic = "big", Payload = new ReadOnlySequence<byte>(payload) });
        MqttPublishPacket packet = Assert.IsType<MqttPublishPacket>(await receiver.ReadAsync().Soon());
        Assert.Equal(payload, packet.Payload.ToArray());

        // The bytes go back to the pipe with the next read, and only then is the writer let go.
        Assert.False(writing.IsCompleted);
        ValueTask<MqttPacket?> next = receiver.ReadAsync();
        await writing.Soon();
        await sender.WriteAsync(MqttPingreqPacket.Instance).Soon();
        Assert.IsType<MqttPingreqPacket>(await next.Soon());
    }

    [Fact]
    public async Task A_bad_packet_fails_every_later_read_and_still_lets_the_peer_be_told()
    {
        PipePair pair = new();
        await using MqttConnection server = new(pair.Near, Wire.ServerV5);
        await pair.Far.Output.WriteAsync(Wire.Bytes("C0 00 36 00 C0 00"));
        Assert.IsType<MqttPingreqPacket>(await server.ReadAsync().Soon());
        await Assert.ThrowsAsync<MqttProtocolException>(() => server.ReadAsync().Soon());
        await Assert.ThrowsAsync<MqttProtocolException>(() => server.ReadAsync().Soon());
        await server.WriteAsync(new MqttDisconnectPacket { ReasonCode = MqttReasonCode.MalformedPacket }).Soon();
        ReadResult told = await pair.Far.Input.ReadAsync();
        Assert.Equal("E00181", Convert.ToHexString(told.Buffer.ToArray()));
    }

    // MQTT-3.14.4-1 (5), MQTT-3.14.4-2 (3.1.1).
    [Theory]
    [InlineData(MqttVersion.V5)]
    [InlineData(MqttVersion.V311)]
    public async Task Nothing_can_be_written_behind_DISCONNECT_even_while_it_is_flushed(MqttVersion version)
    {
        PipePair pair = new(pauseAt: 1024);
        await using MqttConnection sender = new(pair.Far, new MqttDecodeOptions { Role = MqttRole.Client, Version = version });
        await using MqttConnection receiver = new(pair.Near, new MqttDecodeOptions { Version = version });
        MqttPublishPacket large = new() { Topic = "a", Payload = new ReadOnlySequence<byte>(new byte[4000]) };
        ValueTask first = sender.WriteAsync(large);
        ValueTask goodbye = sender.WriteAsync(new MqttDisconnectPacket());
        Assert.False(goodbye.IsCompleted);
        Assert.Throws<MqttConnectionClosedException>(() => sender.Write(MqttPingreqPacket.Instance));
        Assert.Throws<MqttConnectionClosedException>(() => sender.WritePublish(new MqttPublishHead { Topic = "a" }, default));
        Task<List<string>> reading = ReadAll(receiver);
        await first.Soon();
        await goodbye.Soon();
        await sender.DisposeAsync();
        Assert.Equal(["Publish " + new string('\0', 4000), "Disconnect"], await reading.Soon());
    }

    [Fact]
    public async Task Concurrent_writers_keep_the_boundaries_of_packets_and_their_own_order()
    {
        PipePair pair = new(pauseAt: 2048);
        await using MqttConnection sender = new(pair.Far, Wire.ClientV5);
        await using MqttConnection receiver = new(pair.Near, Wire.ServerV5);
        const int writers = 8;
        const int each = 300;
        Task[] writing = [.. Enumerable.Range(0, writers).Select(w => Task.Run(async () =>
        {
            Random random = new(w);
            for (int i = 0; i < each; i++)
            {
                byte[] payload = new byte[random.Next(1, 400)];
                Array.Fill(payload, (byte)w);
                await sender.WriteAsync(new MqttPublishPacket { Topic = $"{w}/{i}", Payload = new ReadOnlySequence<byte>(payload) });
            }
        }))];
        int[] next = new int[writers];
        for (int n = 0; n < writers * each; n++)
        {
            MqttPublishPacket packet = Assert.IsType<MqttPublishPacket>(await receiver.ReadAsync().Soon());
            string[] parts = packet.Topic.Split('/');
            int writer = int.Parse(parts[0], null);
            Assert.Equal(next[writer]++, int.Parse(parts[1], null));
            Assert.All(packet.Payload.ToArray(), b => Assert.Equal(writer, b));
        }

        // The last bytes go back to the pipe, and let the last writers go, with the next read.
        ValueTask<MqttPacket?> more = receiver.ReadAsync();
        await Task.WhenAll(writing).Soon();
        Assert.Equal(0, sender.UnflushedBytes);
        Assert.False(more.IsCompleted);
    }

    [Fact]
    public async Task What_is_written_during_a_flush_goes_out_with_one_later_flush()
    {
        PipePair pair = new(pauseAt: 100);
        CountingWriter writer = new(pair.Far.Output);
        await using MqttConnection sender = new(new Ends(pair.Far.Input, writer), Wire.ClientV5);
        Task first = sender.WriteAsync(Publish(200)).AsTask();
        Assert.False(first.IsCompleted);
        Task[] rest = [.. Enumerable.Range(0, 50).Select(_ => sender.WriteAsync(Publish(10)).AsTask())];
        Assert.Equal(1, writer.Flushes);
        Assert.All(rest, t => Assert.False(t.IsCompleted));

        ReadResult read = await pair.Near.Input.ReadAsync();
        pair.Near.Input.AdvanceTo(read.Buffer.End);
        await first.Soon();
        Assert.All(rest, t => Assert.False(t.IsCompleted));
        await Patience.Until(() => writer.Flushes == 2);
        read = await pair.Near.Input.ReadAsync();
        Assert.Equal(50 * MqttPacketWriter.SizeOf(Publish(10), MqttVersion.V5), read.Buffer.Length);
        pair.Near.Input.AdvanceTo(read.Buffer.End);
        await Task.WhenAll(rest).Soon();
        Assert.Equal(2, writer.Flushes);
    }

    [Fact]
    public async Task Back_pressure_holds_a_writer_and_memory_stays_bounded()
    {
        PipePair pair = new(pauseAt: 1000);
        await using MqttConnection sender = new(pair.Far, Wire.ClientV5);
        await sender.WriteAsync(Publish(500)).Soon();
        Assert.Equal(0, sender.UnflushedBytes);
        Task held = sender.WriteAsync(Publish(600)).AsTask();
        Assert.False(held.IsCompleted);
        Assert.InRange(sender.UnflushedBytes, 600, 700);
        ReadResult read = await pair.Near.Input.ReadAsync();
        pair.Near.Input.AdvanceTo(read.Buffer.End);
        await held.Soon();
        Assert.Equal(0, sender.UnflushedBytes);
    }

    [Fact]
    public async Task Canceling_a_held_write_stops_the_waiting_and_not_the_packet()
    {
        PipePair pair = new(pauseAt: 100);
        await using MqttConnection sender = new(pair.Far, Wire.ClientV5);
        await using MqttConnection receiver = new(pair.Near, Wire.ServerV5);
        using CancellationTokenSource cancel = new();
        Task first = sender.WriteAsync(Publish(200), cancel.Token).AsTask();
        Task second = sender.WriteAsync(Publish(50), cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first.Soon());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second.Soon());
        Assert.Equal(200, Assert.IsType<MqttPublishPacket>(await receiver.ReadAsync().Soon()).Payload.Length);
        Assert.Equal(50, Assert.IsType<MqttPublishPacket>(await receiver.ReadAsync().Soon()).Payload.Length);
    }

    [Fact]
    public async Task A_packet_that_cannot_be_written_leaves_the_connection_usable()
    {
        PipePair pair = new();
        await using MqttConnection sender = new(pair.Far, Wire.ClientV5);
        await using MqttConnection receiver = new(pair.Near, Wire.ServerV5);
        Assert.Throws<MqttProtocolException>(() => sender.Write(new MqttPublishPacket { Topic = "a/#" }));
        Assert.Throws<MqttProtocolException>(() => sender.Write(new MqttPublishPacket { Topic = "a\uDC00" }));
        await sender.WriteAsync(MqttPingreqPacket.Instance).Soon();
        Assert.IsType<MqttPingreqPacket>(await receiver.ReadAsync().Soon());
    }

    [Fact]
    public async Task Disposing_wakes_a_read_and_fails_held_writes()
    {
        PipePair pair = new(pauseAt: 100);
        MqttConnection connection = new(pair.Far, Wire.ClientV5);
        Task<MqttPacket?> reading = connection.ReadAsync().AsTask();
        Task held = connection.WriteAsync(Publish(200)).AsTask();
        Task behind = connection.WriteAsync(Publish(10)).AsTask();
        await connection.DisposeAsync();
        await connection.DisposeAsync();
        Assert.Null(await reading.Soon());
        await Assert.ThrowsAsync<MqttConnectionClosedException>(() => held.Soon());
        await Assert.ThrowsAsync<MqttConnectionClosedException>(() => behind.Soon());
        Assert.Throws<MqttConnectionClosedException>(() => connection.Write(MqttPingreqPacket.Instance));
        Assert.Null(await connection.ReadAsync().Soon());
    }

    [Fact]
    public async Task A_peer_that_is_gone_fails_writes()
    {
        PipePair pair = new();
        await using MqttConnection connection = new(pair.Far, Wire.ClientV5);
        pair.Near.Input.Complete();
        await Assert.ThrowsAsync<MqttConnectionClosedException>(() => connection.WriteAsync(MqttPingreqPacket.Instance).Soon());
        Assert.Throws<MqttConnectionClosedException>(() => connection.Write(MqttPingreqPacket.Instance));
    }

    [Fact]
    public async Task Two_readers_at_once_are_refused()
    {
        PipePair pair = new();
        await using MqttConnection connection = new(pair.Far, Wire.ClientV5);
        Task<MqttPacket?> reading = connection.ReadAsync().AsTask();
        await Assert.ThrowsAsync<InvalidOperationException>(() => connection.ReadAsync().Soon());
        Assert.False(reading.IsCompleted);
    }

    private static MqttPublishPacket Publish(int bytes) =>
        new() { Topic = "t", Payload = new ReadOnlySequence<byte>(new byte[bytes]) };

    private static async Task<List<string>> ReadAll(MqttConnection connection)
    {
        List<string> seen = [];
        while (await connection.ReadAsync() is { } packet)
        {
            string payload = packet is MqttPublishPacket p ? " " + System.Text.Encoding.UTF8.GetString(p.Payload.ToArray()) : "";
            seen.Add(packet.Type + payload);
        }

        return seen;
    }

    private sealed record Ends(PipeReader Input, PipeWriter Output) : IDuplexPipe;

    private sealed class CountingWriter(PipeWriter inner) : PipeWriter
    {
        private int _flushes;

        public int Flushes => Volatile.Read(ref _flushes);

        public override void Advance(int bytes) => inner.Advance(bytes);

        public override void CancelPendingFlush() => inner.CancelPendingFlush();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
        {
            Interlocked.Increment(ref _flushes);
            return inner.FlushAsync(cancellationToken);
        }

        public override Memory<byte> GetMemory(int sizeHint = 0) => inner.GetMemory(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) => inner.GetSpan(sizeHint);
    }
}
