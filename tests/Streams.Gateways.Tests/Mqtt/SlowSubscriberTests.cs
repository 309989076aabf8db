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

    // A member that reads nothing holds what fits into its pipe, its connection and its hand-over; the others are given all the rest.
    [Fact]
    public async Task A_member_of_a_group_that_takes_nothing_costs_bounded_memory_and_the_others_get_the_rest()
    {
        MqttGatewayOptions options = new() { WriteBufferBytes = 32 << 10, ReadBytes = 16 << 10 };
        await using GatewayScene scene = await GatewayScene.OpenAsync(options: options);
        PipeOptions narrow = new(pauseWriterThreshold: 16 << 10, resumeWriterThreshold: 8 << 10, useSynchronizationContext: false);
        MqttPeer[] slow = new MqttPeer[8];
        for (int i = 0; i < slow.Length; i++)
        {
            slow[i] = await scene.ConnectAsync($"slow-{i}", toPeer: narrow);
            await slow[i].SubscribeAsync("$share/g/fleet/#", i % 2 == 0 ? MqttQos.AtMostOnce : MqttQos.AtLeastOnce);
        }

        MqttPeer quick = await scene.ConnectAsync("quick");
        await quick.SubscribeAsync("$share/g/fleet/#");
        MqttPeer writer = await scene.ConnectAsync("writer");
        long before = GC.GetTotalMemory(forceFullCollection: true);
        byte[] payload = new byte[8 << 10];
        const int Messages = 2000;
        const int HeldByEach = (16 + 32 + ShareMember.MostWaitingBytes / 1024) / 8 + 3;
        Task reading = Task.Run(async () =>
        {
            for (int i = 0; i < Messages - slow.Length * HeldByEach; i++)
            {
                await quick.AcknowledgeAsync(await quick.NextMessageAsync());
            }
        });
        for (int i = 0; i < Messages; i++)
        {
            await writer.PubackAsync(await writer.PublishOnlyAsync("fleet/a", payload));
        }

        await reading;
        long grown = GC.GetTotalMemory(forceFullCollection: true) - before;
        Assert.True(grown < slow.Length * (512 << 10) + (4 << 20), $"{grown} bytes for {slow.Length} members that take nothing");

        // What they hold is not lost when they go: all that they were not sent, and what they did not acknowledge.
        foreach (MqttPeer peer in slow)
        {
            await peer.VanishAsync();
        }

        await writer.PublishAsync("fleet/b", "last");
        int more = 0;
        while (await quick.ReceiveAsync() != "fleet/b=last")
        {
            more++;
        }

        Assert.True(more > 0);
    }
}
