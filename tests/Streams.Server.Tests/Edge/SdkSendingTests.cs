using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Streams.Client;
using Streams.Core;
using Streams.Mqtt;
using Streams.Testing;

namespace Streams.Server.Tests;

/// <summary>How an SDK client sends to a server: over slow lines, compressed.</summary>
public sealed class SdkSendingTests : IDisposable
{
    private static readonly StreamPath Fleet = StreamPath.Parse("/fleet");

    private readonly TemporaryDirectory _directory = new();
    private readonly CollectingLoggerProvider _log = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_backlog_goes_over_a_line_that_cannot_carry_a_great_batch_within_the_answer_timeout()
    {
        await using RunningHost server = await RunningHost.StartAsync(RunningHost.OptionsIn(_directory));
        await using CuttingProxy line = CuttingProxy.Start(server.Host.Mqtt.Port, new CuttingProxyOptions { MaxBytesPerSecond = 40_000 });
        await line.CutAsync();
        await using StreamsClient client = await OpenAsync(At(line.Port), static o => o with { AnswerTimeout = TimeSpan.FromSeconds(5) });
        for (int i = 0; i < 50; i++)
        {
            await client.PublishAsync(Fleet, TopicName.Parse("t"), RandomNumberGenerator.GetBytes(5000));
        }

        line.Restore();
        await client.FlushAsync().WaitAsync(TimeSpan.FromSeconds(60));

        // All of it at once, which is one batch of 250 kB, would be answered after more than six seconds.
        Assert.Equal(1, line.ConnectionsAccepted);
        Assert.DoesNotContain(_log.Logs.Entries, static e => e.EventId.Id == 3012);
        _log.AssertNoErrors();
    }

    [Theory]
    [InlineData(BatchCompression.Deflate)]
    [InlineData(BatchCompression.Brotli)]
    public async Task Compressed_batches_are_stored_as_they_came_and_read_by_SDK_and_plain_clients_here_and_over_a_link(
        BatchCompression compression)
    {
        await using RunningHost ny = await RunningHost.StartAsync(RunningHost.OptionsIn(_directory, "ny"));
        await using RunningHost sj = await RunningHost.StartAsync(RunningHost.OptionsIn(_directory) with
        {
            LinksTo = [new LinkPeer(ClusterName.Parse("ny"), "127.0.0.1", ny.Host.Link.Port)],
        });
        ConcurrentQueue<string> plain = new();
        await using MqttClientConnection subscriber = await SubscribeAsync(ny, plain);
        using SentBytes sent = new($"{compression}");
        await using StreamsClient client = await OpenAsync(At(sj.Host.Mqtt.Port),
            o => o with { Name = $"{compression}", Compression = compression, Linger = TimeSpan.FromMilliseconds(50) });
        string[] events = [.. Enumerable.Range(0, 3000).Select(static i =>
            $$"""{"vehicle":"car-17","speed":{{i % 130}},"position":{"lat":37.3{{i}},"lon":-121.9},"n":{{i}}}""")];
        await Task.WhenAll(events.Select(e => client.PublishAsync(Fleet, TopicName.Parse("t"), Encoding.UTF8.GetBytes(e)).AsTask()));
        await client.FlushAsync().WaitAsync(Eventually.DefaultLimit);

        Assert.True(sent.Sent < sent.Body / 3, $"{sent.Body} bytes went as {sent.Sent}");
        foreach (RunningHost host in new[] { sj, ny })
        {
            await using StreamsClient reader = await OpenAsync(
                At(host.Host.Mqtt.Port), static o => o with { Name = "reader" }, "reader.db");
            await using StreamsConsumer consumer = await reader.ConsumeAsync(
                new ConsumerOptions { Name = ConsumerName.Parse($"c-{host.Host.Mqtt.Port}"), Stream = Fleet });
            Assert.Equal(events.Order(), (await ReadAsync(consumer, events.Length)).Order());
        }

        await Eventually.TrueAsync(() => plain.Count == events.Length, "the plain client has them all", TimeSpan.FromSeconds(30),
            () => $"{plain.Count}");
        Assert.Equal(events.Order(), plain.Order());
        _log.AssertNoErrors();
    }

    [Fact]
    public async Task What_does_not_compress_is_tried_three_times_and_sent_as_it_is()
    {
        await using RunningHost server = await RunningHost.StartAsync(RunningHost.OptionsIn(_directory));
        using SentBytes sent = new("random");
        await using StreamsClient client = await OpenAsync(At(server.Host.Mqtt.Port),
            static o => o with { Name = "random", Compression = BatchCompression.Brotli });
        for (int i = 0; i < 50; i++)
        {
            await client.PublishAsync(Fleet, TopicName.Parse("t"), RandomNumberGenerator.GetBytes(5000));
        }

        await client.FlushAsync().WaitAsync(Eventually.DefaultLimit);

        Assert.Equal(sent.Body, sent.Sent);
        _log.AssertNoErrors();
    }

    [Fact]
    public async Task A_batch_that_says_to_unpack_to_far_more_than_it_is_is_refused_and_costs_its_sender_nothing_else()
    {
        await using RunningHost server = await RunningHost.StartAsync(RunningHost.OptionsIn(_directory));
        ProducerId producer = ProducerId.Read(RandomNumberGenerator.GetBytes(16));
        await using MqttClientConnection client = await MqttClientConnection.ConnectAsync(
            new MqttClientOptions { Port = server.Host.Mqtt.Port, ClientId = "bomber" }, static _ => ValueTask.CompletedTask,
            TimeProvider.System);
        HelloRequest hello = new(1, producer, []);
        await client.PublishAsync(ProtocolTopics.Hello, Bytes((ref ByteWriter w) => hello.Write(ref w)), MqttQos.AtLeastOnce);

        MqttPublishResult bomb = await client.PublishAsync(ProtocolTopics.Produce, Produce(producer, 4 << 20), MqttQos.AtLeastOnce);
        MqttPublishResult good = await client.PublishAsync(ProtocolTopics.Produce, Produce(producer, null), MqttQos.AtLeastOnce);

        Assert.Equal(MqttReasonCode.PayloadFormatInvalid, bomb.ReasonCode);
        Assert.Contains("unpack to 4194304", bomb.Properties?.ReasonString, StringComparison.Ordinal);
        Assert.Equal(MqttReasonCode.Success, good.ReasonCode);
    }

    private delegate void Writing(ref ByteWriter writer);

    private static byte[] Bytes(Writing write)
    {
        System.Buffers.ArrayBufferWriter<byte> output = new();
        ByteWriter writer = new(output);
        write(ref writer);
        return output.WrittenSpan.ToArray();
    }

    // A request whose batch says to unpack to so many bytes, sealed as a true one is.
    private static byte[] Produce(ProducerId producer, int? says)
    {
        EventBatchBuilder builder = new();
        builder.TryAdd("t"u8, [], [], new byte[100_000], 0);
        byte[] batch = builder.Build(new EventIdentity(producer, 1, 1), default, false, BatchCompression.Brotli).Bytes.ToArray();
        if (says is { } length)
        {
            BitConverter.TryWriteBytes(batch.AsSpan(72), length);
            BitConverter.TryWriteBytes(batch.AsSpan(8), Crc32C.Compute(batch.AsSpan(12), Crc32C.Compute(batch.AsSpan(0, 8))));
        }

        ProduceRequest request = new(new StreamPartition(Fleet, new PartitionId(0)), AfterVector.Empty, batch);
        return [.. Bytes((ref ByteWriter w) => request.WriteHead(ref w)), .. batch];
    }

    private static async Task<List<string>> ReadAsync(StreamsConsumer consumer, int count)
    {
        List<string> read = [];
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(40));
        await foreach (ReceivedEvent received in consumer.ReadAllAsync(limit.Token))
        {
            read.Add(Encoding.UTF8.GetString(received.Payload.Span));
            received.Acknowledge();
            if (read.Count == count)
            {
                break;
            }
        }

        return read;
    }

    private static async Task<MqttClientConnection> SubscribeAsync(RunningHost host, ConcurrentQueue<string> given)
    {
        MqttClientConnection subscriber = await MqttClientConnection.ConnectAsync(
            new MqttClientOptions { Port = host.Host.Mqtt.Port, ClientId = "plain" },
            packet =>
            {
                given.Enqueue(Encoding.UTF8.GetString(packet.Payload));
                return ValueTask.CompletedTask;
            },
            TimeProvider.System);
        await subscriber.SubscribeAsync([new MqttSubscription { Filter = "fleet/#", Qos = MqttQos.AtLeastOnce }]);
        return subscriber;
    }

    private static ClusterEndpoint At(int port) =>
        ClusterEndpoint.Parse(string.Create(CultureInfo.InvariantCulture, $"sj={IPAddress.Loopback}:{port}"));

    private async Task<StreamsClient> OpenAsync(ClusterEndpoint cluster, Func<StreamsClientOptions, StreamsClientOptions> with,
        string outbox = "outbox.db") => await StreamsClient.OpenAsync(with(new StreamsClientOptions
        {
            Name = "car-17",
            Clusters = [cluster],
            OutboxPath = _directory.Combine(outbox),
            ConnectBackoff = (TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(200)),
        }), _log);

    /// <summary>What a client of this name counts of its batches.</summary>
    private sealed class SentBytes : IDisposable
    {
        private readonly MeterListener _listener = new();
        private long _body;
        private long _sent;

        public SentBytes(string client)
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == "Streams.Client" && instrument.Meter.Tags?.Any(t => Equals(t.Value, client)) == true
                    && instrument.Name.StartsWith("streams.client.batch_", StringComparison.Ordinal))
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            _listener.SetMeasurementEventCallback<long>((instrument, value, _, _) =>
                Interlocked.Add(ref instrument.Name.EndsWith("body_bytes", StringComparison.Ordinal) ? ref _body : ref _sent, value));
            _listener.Start();
        }

        public long Body => Interlocked.Read(ref _body);

        public long Sent => Interlocked.Read(ref _sent);

        public void Dispose() => _listener.Dispose();
    }
}
