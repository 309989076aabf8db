using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Streams.Core;
using Streams.Testing;

namespace Streams.Client.Hosting.Tests;

public class HealthTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly ClientStatus Well = new(ClusterName.Parse("sj"), TimeSpan.Zero, 0, 0, 1000, null);

    public static TheoryData<string, HealthStatus, string> Cases { get; } = new()
    {
        { "connected", HealthStatus.Healthy, "connected to sj, 0 events wait" },
        { "disconnected 59", HealthStatus.Healthy, "not connected, 0 events wait" },
        { "disconnected 60", HealthStatus.Degraded, "no cluster for 00:01:00" },
        { "disconnected 600", HealthStatus.Unhealthy, "no cluster for 00:10:00" },
        { "bytes 799", HealthStatus.Healthy, "connected to sj, 1 events wait" },
        { "bytes 800", HealthStatus.Degraded, "the outbox is full to 80 %" },
        { "bytes 950", HealthStatus.Unhealthy, "the outbox is full to 95 %" },
        { "events 9", HealthStatus.Healthy, "connected to sj, 9 events wait" },
        { "events 10", HealthStatus.Degraded, "10 events wait" },
        { "events 20", HealthStatus.Unhealthy, "20 events wait" },
        { "age 3600", HealthStatus.Degraded, "the oldest event waits for 01:00:00" },
        { "age 90000", HealthStatus.Unhealthy, "the oldest event waits for 1.01:00:00" },
        { "age -90000", HealthStatus.Healthy, "connected to sj, 1 events wait" },
        { "all", HealthStatus.Unhealthy,
            "no cluster for 00:01:00; 10 events wait; the outbox is full to 95 %; the oldest event waits for 01:00:00" },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_worst_threshold_decides_and_all_reasons_are_named(string state, HealthStatus expected, string description)
    {
        string[] words = state.Split(' ');
        int number = words.Length > 1 ? int.Parse(words[1]) : 0;
        ClientStatus status = words[0] switch
        {
            "disconnected" => Well with { ConnectedTo = null, DisconnectedFor = TimeSpan.FromSeconds(number) },
            "bytes" => Well with { OutboxEvents = 1, OutboxBytes = number },
            "events" => Well with { OutboxEvents = number },
            "age" => Well with { OutboxEvents = 1, OldestEvent = Now.AddSeconds(-number) },
            "all" => new ClientStatus(null, TimeSpan.FromMinutes(1), 10, 950, 1000, Now.AddHours(-1)),
            _ => Well,
        };
        StreamsHealthSettings limits = new()
        {
            UnhealthyDisconnected = TimeSpan.FromMinutes(10),
            DegradedEvents = 10,
            UnhealthyEvents = 20,
            UnhealthyAge = TimeSpan.FromHours(25),
        };
        Assert.Equal((expected, description), HealthRules.Judge(status, limits, Now));
    }

    [Fact]
    public void A_threshold_that_is_switched_off_says_nothing()
    {
        StreamsHealthSettings none = new() { DegradedDisconnected = null, DegradedPercent = null, UnhealthyPercent = null,
            DegradedAge = null };
        ClientStatus bad = new(null, TimeSpan.FromDays(1), 10, 1000, 1000, Now.AddDays(-1));
        Assert.Equal(HealthStatus.Healthy, HealthRules.Judge(bad, none, Now).Status);
    }

    [Fact]
    public async Task A_client_is_unhealthy_before_it_is_open_healthy_when_connected_and_unhealthy_when_closed()
    {
        await using HostStory story = new();
        story.Builder.Services.AddStreams(story.Section("Streams"));
        story.Builder.Services.AddHealthChecks().AddStreams(tags: ["ready"]);
        using IHost host = story.Builder.Build();
        HealthReportEntry before = await HostStory.HealthAsync(host);
        Assert.Equal((HealthStatus.Unhealthy, "not open yet"), (before.Status, before.Description));
        await host.StartAsync();
        await Eventually.EqualAsync("connected to a, 0 events wait", async () => (await HostStory.HealthAsync(host)).Description,
            "it is connected");
        HealthReportEntry connected = await HostStory.HealthAsync(host);
        Assert.Equal(HealthStatus.Healthy, connected.Status);
        Assert.Equal("a", connected.Data["connectedTo"]);
        Assert.Equal(["ready"], connected.Tags);
        await host.StopAsync();
        Assert.Equal("closed", (await HostStory.HealthAsync(host)).Description);
    }

    [Fact]
    public async Task What_waits_on_the_disk_is_judged_by_the_settings_of_the_section()
    {
        await using HostStory story = new();
        await story.Wire.DisposeAsync();
        story.Builder.Services.AddStreams("slow", story.Section("Slow", ("CloseWithin", "00:00:00"), ("Health:DegradedEvents", "3"),
            ("Health:UnhealthyAge", "1.00:00:00")));
        story.Builder.Services.AddHealthChecks().AddStreams("slow", failureStatus: HealthStatus.Degraded);
        using IHost host = story.Builder.Build();
        await host.StartAsync();
        StreamsClient client = host.Services.GetRequiredKeyedService<StreamsClient>("slow");
        await client.PublishAsync(HostStory.Fleet, HostStory.Topic, new byte[1]);
        await client.PublishAsync(HostStory.Fleet, HostStory.Topic, new byte[1]);
        Assert.Equal(HealthStatus.Healthy, (await HostStory.HealthAsync(host, "streams-slow")).Status);
        await client.PublishAsync(HostStory.Fleet, HostStory.Topic, new byte[1]);
        Assert.Equal("3 events wait", (await HostStory.HealthAsync(host, "streams-slow")).Description);
        await client.PublishAsync(StreamPath.Parse("/other"), HostStory.Topic, new byte[1],
            timestamp: TimeProvider.System.GetUtcNow().AddDays(-2));
        HealthReportEntry old = await HostStory.HealthAsync(host, "streams-slow");
        Assert.Contains("the oldest event waits for 2.00:00:", old.Description, StringComparison.Ordinal);
        Assert.Equal(HealthStatus.Degraded, old.Status);             // unhealthy, reported as the host wants it
        Assert.Equal(4L, old.Data["outboxEvents"]);
        await host.StopAsync();
    }
}
