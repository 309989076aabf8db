using System.IO.Pipelines;
using Streams.Mqtt;

namespace Streams.Gateways.Tests;

/// <summary>Runs while no other test does: it looks at the memory of the process.</summary>
[CollectionDefinition(nameof(MeasuresMemory), DisableParallelization = true)]
public sealed class MeasuresMemory;

/// <summary>A slow subscriber costs disk reads, not memory (invariant 8).</summary>
[Collection(nameof(MeasuresMemory))]
public sealed class SlowSubscriberTests
{
    [Fact]
    public async Task A_subscriber_that_takes_nothing_costs_bounded_memory_and_does_not_hold_others_up()
    {
        MqttGatewayOptions options = new() { WriteBufferBytes = 32 << 10, ReadBytes = 16 << 10 };
        await using GatewayScene scene = await GatewayScene.OpenAsync(options: options);
        PipeOptions narrow = new(pauseWriterThreshold: 16 << 10, resumeWriterThreshold: 8 << 10, useSynchronizationContext: false);
        MqttPeer[] slow = new MqttPeer[8];
        for (int i = 0; i < slow.Length; i++)
        {
            slow[i] = await scene.ConnectAsync($"slow-{i}", toPeer: narrow);
            await slow[i].SubscribeAsync("fleet/#", MqttQos.AtMostOnce);
        }

        MqttPeer quick = await scene.ConnectAsync("quick");
        await quick.SubscribeAsync("fleet/#");
        long before = GC.GetTotalMemory(forceFullCollection: true);
        byte[] payload = new byte[8 << 10];
        const int Messages = 2000;                     // 16 MB for each subscriber
        for (int i = 0; i < Messages; i++)
        {
            await quick.PublishOnlyAsync("fleet/a", payload);
            await quick.AcknowledgeAsync(await quick.NextMessageAsync());
        }

        long grown = GC.GetTotalMemory(forceFullCollection: true) - before;
        Assert.True(grown < slow.Length * (512 << 10) + (4 << 20), $"{grown} bytes for {slow.Length} subscribers that take nothing");
        for (int i = 0; i < Messages; i++)
        {
            await slow[0].NextMessageAsync();
        }
    }
}
