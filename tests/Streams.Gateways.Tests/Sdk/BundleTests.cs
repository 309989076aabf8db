using System.Buffers;
using System.Globalization;
using Streams.Core;
using Streams.Mqtt;
using static Streams.Gateways.Tests.SdkPeer;

namespace Streams.Gateways.Tests;

/// <summary>Many producers on one connection (docs/sdk-protocol.md).</summary>
public sealed class BundleTests
{
    private static readonly ProducerId Car = ProducerId.ForName("car-17");
    private static readonly ProducerId Bus = ProducerId.ForName("bus-4");
    private static readonly StreamPartition P1 = new(Fleet, new PartitionId(1));

    [Fact]
    public async Task A_cluster_says_that_it_takes_bundles_and_how_many_producers()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer agent = await ConnectAsync(scene, "agent");
        Assert.Equal("1", agent.Connack.Properties!.FirstUserValue(ProtocolTopics.BundlesProperty));
        Assert.Equal($"{SdkConnection.MaxProducersOfMany}", agent.Connack.Properties!.FirstUserValue(ProtocolTopics.ProducersProperty));
        MqttPeer plain = await scene.ConnectAsync("plain");
        Assert.Null(plain.Connack.Properties?.FirstUserValue(ProtocolTopics.BundlesProperty));
        await plain.SdkAsync(ProtocolTopics.Bundle, static o => o.GetSpan(1)[0] = 0);
        Assert.Equal(MqttReasonCode.TopicNameInvalid, (await plain.NextAsync<MqttPubackPacket>()).ReasonCode);
    }

    [Fact]
    public async Task Batches_of_several_producers_and_partitions_share_one_message_and_one_answer()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer agent = await ConnectAsync(scene, "agent");
        IReadOnlyDictionary<ProducerId, ProducerHeld> held = await HellosAsync(agent, [], Car, Bus);
        Assert.All(held.Values, static h => Assert.All(h.Held, static x => Assert.Empty(x.Runs)));
        string o = scene.Container.Origin.ToString();
        Assert.Equal([$"1-3@{o}:0", $"1-2@{o}:3", $"4-4@{o}:5", $"1-1@{o}:0"], await BundleAsync(agent,
            (P0, Batch(Car, 1, 3)), (P0, Batch(Bus, 1, 2)), (P0, Batch(Car, 4, 1, after: 3)), (P1, Batch(Bus, 1, 1))));
        held = await HellosAsync(agent, [], Bus);
        HeldRun run = Assert.Single(held[Bus].Held.Single(static h => h.Partition == P0).Runs);
        Assert.Equal((1L, 2L, new Offset(3)), (run.Run.First, run.Run.Last, run.FirstOffset));
    }

    [Fact]
    public async Task A_newer_session_of_one_producer_shuts_out_that_one_alone_and_it_comes_back_alone()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer agent = await ConnectAsync(scene, "agent");
        MqttPeer other = await ConnectAsync(scene, "other");
        await HellosAsync(agent, [], Car, Bus);
        await BundleAsync(agent, (P0, Batch(Car, 1, 1)), (P0, Batch(Bus, 1, 1)));
        await HellosAsync(other, [], Car);
        string o = scene.Container.Origin.ToString();
        Assert.Equal(["0x83 OlderSession:", $"2-2@{o}:2"], await BundleAsync(agent,
            (P0, Batch(Car, 2, 1, after: 1)), (P0, Batch(Bus, 2, 1, after: 1))));
        await HellosAsync(agent, [], Car);
        Assert.Equal([$"2-2@{o}:3", $"3-3@{o}:4"], await BundleAsync(agent, (P0, Batch(Car, 2, 1)), (P0, Batch(Bus, 3, 1, after: 2))));
    }

    [Fact]
    public async Task A_refused_batch_stops_its_own_producer_and_nobody_else()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        scene.Allowed = static (action, _, topic) => action != AccessAction.Publish || topic != "forbidden";
        MqttPeer agent = await ConnectAsync(scene, "agent");
        await HellosAsync(agent, [], Car, Bus);
        ProducerId stranger = ProducerId.ForName("stranger");
        string o = scene.Container.Origin.ToString();
        Assert.Equal(["0x87 producing", "0x83 OutOfOrder:", $"1-1@{o}:0", "0x83 OutOfOrder:", "0x99 produce:"], await BundleAsync(agent,
            (P0, Batch(Car, 1, 1, topic: "forbidden")), (P0, Batch(Car, 2, 1, after: 1)), (P0, Batch(Bus, 1, 1)),
            (P0, Batch(stranger, 1, 1)), (null, Batch(Bus, 2, 1, after: 1))));
    }

    [Fact]
    public async Task What_is_no_bundle_or_no_hellos_is_refused_whole()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer agent = await ConnectAsync(scene, "agent");
        await agent.SdkAsync(ProtocolTopics.Bundle, static o => o.GetSpan(1)[0] = 0);
        Assert.Equal("0x99 bundle:", await agent.AnswerAsync());
        await agent.SdkAsync(ProtocolTopics.Hellos, static o => o.GetSpan(1)[0] = 0);
        Assert.Equal("0x99 hellos:", await agent.AnswerAsync());
    }

    [Fact]
    public async Task Beyond_the_limit_producers_are_refused_until_some_leave()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer agent = await ConnectAsync(scene, "agent");
        ProducerId[] fleet = [.. Enumerable.Range(0, SdkConnection.MaxProducersOfMany).Select(static i => ProducerId.ForName($"car-{i}"))];
        foreach (ProducerId[] page in fleet.Chunk(HellosRequest.MaxProducers))
        {
            Assert.Equal(page.Length, (await HellosAsync(agent, [], page)).Count);
        }

        await SendHellosAsync(agent, [], Bus);
        Assert.Equal("0x83 at", await agent.AnswerAsync());
        Assert.Single(await HellosAsync(agent, [fleet[0]], Bus));
        Assert.Equal(["0x83 OutOfOrder:", "1-1"], (await BundleAsync(agent, (P0, Batch(fleet[0], 1, 1)), (P0, Batch(Bus, 1, 1))))
            .Select(static a => a.Split('@')[0]));
    }

    private static async Task<MqttPeer> ConnectAsync(GatewayScene scene, string name)
    {
        MqttPeer peer = scene.Dial();
        await peer.ConnectAsync(name, more: static p => p.Add(ProtocolTopics.BundlesProperty, "1"));
        return peer;
    }

    private static Task SendHellosAsync(MqttPeer peer, ProducerId[] leaving, params ProducerId[] producers) =>
        peer.SdkAsync(ProtocolTopics.Hellos, o =>
        {
            ByteWriter writer = new(o);
            new HellosRequest(5, leaving, [.. producers.Select(static p => new ProducerHello(p, [(P0, 1), (P1, 1)]))]).Write(ref writer);
        });

    private static async Task<IReadOnlyDictionary<ProducerId, ProducerHeld>> HellosAsync(MqttPeer peer, ProducerId[] leaving,
        params ProducerId[] producers)
    {
        await SendHellosAsync(peer, leaving, producers);
        Assert.Equal("", await peer.AnswerAsync());
        Dictionary<ProducerId, ProducerHeld> held = [];
        for (bool isLast = false; !isLast;)
        {
            HellosReply reply = HellosReply.Read((await peer.MessageAsync(ProtocolTopics.HellosReply)).ToArray())!;
            Assert.Equal(5u, reply.Correlation);
            foreach (ProducerHeld each in reply.Producers)
            {
                held.Add(each.Producer, each);
            }

            isLast = reply.IsLast;
        }

        return held;
    }

    // Where each batch was placed, or its code and the first word of the reason; a batch without a partition is torn.
    private static async Task<string[]> BundleAsync(MqttPeer peer, params (StreamPartition? Partition, EventBatch Batch)[] batches)
    {
        await peer.SdkAsync(ProtocolTopics.Bundle, o =>
        {
            ByteWriter writer = new(o);
            Bundle.WriteHead(ref writer, batches.Length);
            foreach ((StreamPartition? partition, EventBatch batch) in batches)
            {
                ArrayBufferWriter<byte> request = new();
                if (partition is { } known)
                {
                    ByteWriter inner = new(request);
                    new ProduceRequest(known, AfterVector.Empty, default).WriteHead(ref inner);
                    inner.Bytes(batch.Bytes.Span);
                }

                Bundle.WriteBatch(ref writer, request.WrittenSpan);
            }
        });
        MqttPubackPacket answer = await peer.NextAsync<MqttPubackPacket>();
        Assert.Equal(MqttReasonCode.Success, answer.ReasonCode);
        string[] values = [.. answer.Properties!.UserProperties.Where(static p => p.Name == ProtocolTopics.PlacedProperty)
            .Select(static p => p.Value)];
        IReadOnlyList<BatchAnswer>? told = BundleAnswers.Read(values,
            [.. batches.Select(static b => (b.Batch.Header.FirstSequence, b.Batch.Header.LastSequence))]);
        Assert.NotNull(told);
        return [.. told.Select(static t => t.IsTaken ? string.Join(' ', t.Placed)
            : string.Create(CultureInfo.InvariantCulture, $"0x{t.Reason:x2} {t.Text.Split(' ')[0]}"))];
    }
}
