using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Streams.Core;
using Streams.Testing;

namespace Streams.Client.Hosting.Tests;

public class HostedClientTests
{
    [Fact]
    public async Task A_worker_gets_the_client_in_its_constructor_and_may_publish_until_it_has_stopped()
    {
        await using HostStory story = new();
        story.Builder.Services.AddHostedService<Worker>();            // before AddStreams: the order does not matter
        story.Builder.Services.AddStreams(story.Section("Streams"));
        using (IHost host = story.Builder.Build())
        {
            await host.StartAsync();
            await Eventually.EqualAsync(1, () => story.Cluster.Events, "what the worker published at its start has come");
            await host.StopAsync();
            StreamsClient client = host.Services.GetRequiredService<StreamsClient>();
            await Assert.ThrowsAsync<ObjectDisposedException>(async () => await client.GetStatusAsync());
        }

        Assert.Equal(2, story.Cluster.Events);                        // the one of its stop was flushed before the client closed
        story.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task The_host_starts_and_stops_without_a_cluster_and_what_waits_stays_in_the_outbox()
    {
        await using HostStory story = new();
        await story.Wire.DisposeAsync();
        story.Builder.Services.AddStreams(story.Section("Streams", ("CloseWithin", "00:00:00")));
        using (IHost host = story.Builder.Build())
        {
            await host.StartAsync();
            await host.Services.GetRequiredService<StreamsClient>().PublishAsync(HostStory.Fleet, HostStory.Topic, new byte[] { 1 });
            await host.StopAsync();
        }

        await using StreamsClient again = await StreamsClient.OpenAsync(new StreamsClientOptions
        {
            Name = "car-17",
            Clusters = [story.Wire.Endpoint],
            OutboxPath = story.Outbox("Streams"),
            CloseWithin = TimeSpan.Zero,
        });
        Assert.Equal(1, again.OutboxEvents);
    }

    [Fact]
    public async Task Clients_with_names_have_outboxes_of_their_own()
    {
        await using HostStory story = new();
        story.Builder.Services.AddStreams("fast", story.Section("Fast"));
        story.Builder.Services.AddStreams("slow", story.Section("Slow", ("Name", "car-17-slow")))
            .Configure(settings => settings.Linger = TimeSpan.Zero);
        using IHost host = story.Builder.Build();
        await host.StartAsync();
        StreamsClient fast = host.Services.GetRequiredKeyedService<StreamsClient>("fast");
        StreamsClient slow = host.Services.GetRequiredKeyedService<StreamsClient>("slow");
        Assert.NotSame(fast, slow);
        Assert.Null(host.Services.GetService<StreamsClient>());
        PublishReceipt one = await fast.PublishAsync(HostStory.Fleet, HostStory.Topic, new byte[] { 1 });
        PublishReceipt two = await slow.PublishAsync(HostStory.Fleet, HostStory.Topic, new byte[] { 2 });
        Assert.NotEqual(one.Identity.Producer, two.Identity.Producer);
        await Task.WhenAll(one.Stored, two.Stored).WaitAsync(Eventually.DefaultLimit);
        await host.StopAsync();
    }

    [Fact]
    public void A_name_is_taken_once()
    {
        ServiceCollection services = [];
        services.AddStreams("fast", static _ => { });
        services.AddStreams(static _ => { });
        Assert.Contains("'fast'", Assert.Throws<InvalidOperationException>(() => services.AddStreams("fast", static _ => { })).Message,
            StringComparison.Ordinal);
        Assert.Contains("give the second one a name", Assert.Throws<InvalidOperationException>(() => services.AddStreams(static _ => { }))
            .Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_outbox_that_cannot_be_opened_stops_the_start_and_says_why()
    {
        await using HostStory story = new();
        string folder = Directory.CreateDirectory(story.Outbox("folder")).FullName;
        story.Builder.Services.AddStreams(story.Section("Streams", ("OutboxPath", folder)));
        using IHost host = story.Builder.Build();
        StorageFailedException fault = await Assert.ThrowsAsync<StorageFailedException>(() => host.StartAsync());
        Assert.Contains(folder, fault.Message, StringComparison.Ordinal);
    }

    private sealed class Worker(StreamsClient client) : IHostedService
    {
        public async Task StartAsync(CancellationToken cancellationToken) =>
            await client.PublishAsync(HostStory.Fleet, HostStory.Topic, "started"u8.ToArray(), cancellationToken: cancellationToken);

        public async Task StopAsync(CancellationToken cancellationToken) =>
            await client.PublishAsync(HostStory.Fleet, HostStory.Topic, "stopped"u8.ToArray(), cancellationToken: cancellationToken);
    }
}
