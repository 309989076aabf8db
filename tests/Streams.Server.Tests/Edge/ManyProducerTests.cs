using System.Text;
using Microsoft.Extensions.Logging;
using Streams.Client;
using Streams.Client.Tests;
using Streams.Core;
using Streams.Testing;

namespace Streams.Server.Tests;

/// <summary>One connection sends for many producers, to real servers.</summary>
public sealed class ManyProducerTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly CollectingLoggerProvider _log = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_thousand_devices_send_over_one_connection_each_in_its_order()
    {
        await using RunningHost server = await RunningHost.StartAsync(RunningHost.OptionsIn(_directory));
        MemoryFleet fleet = new(partitions: 4);
        for (int device = 0; device < 500; device++)
        {
            fleet.Publish(Car(device), device, 1 + (device % 7));        // what waited
        }

        await using Agent agent = Agent.Start("agent", fleet, _log, ("sj", server.Host.Mqtt.Port));
        for (int i = 0; i < 3000; i++)
        {
            fleet.Publish(Car(i % 1000), i, 1);
        }

        await agent.SentAsync();
        Assert.InRange(agent.Producers, 1, 1000);
        Assert.Equal(1, _log.Logs.Entries.Count(static e => e.EventId.Id == 3010));
        await CheckAsync(fleet, Enumerable.Range(0, 1000), server);
        _log.AssertNoErrors();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Moves_between_clusters_cuts_and_restarts_lose_nothing_and_give_nothing_twice(int seed)
    {
        Random chance = new(seed);
        await using RunningHost ny = await RunningHost.StartAsync(RunningHost.OptionsIn(_directory, "ny"));
        await using RunningHost sj = await RunningHost.StartAsync(RunningHost.OptionsIn(_directory) with
        {
            LinksTo = [new LinkPeer(ClusterName.Parse("ny"), "127.0.0.1", ny.Host.Link.Port)],
        });
        await using CuttingProxy toSj = CuttingProxy.Start(sj.Host.Mqtt.Port);
        await using CuttingProxy toNy = CuttingProxy.Start(ny.Host.Mqtt.Port);
        MemoryFleet fleet = new(partitions: 4);
        for (int life = 0; life < 3; life++)
        {
            fleet.Epoch = (ulong)life + 1;
            await using Agent agent = Agent.Start("agent", fleet, _log, ("sj", toSj.Port), ("ny", toNy.Port));
            for (int round = 0; round < 6; round++)
            {
                for (int i = 0; i < 200; i++)
                {
                    fleet.Publish(Car(chance.Next(40)), chance.Next(4), 1 + chance.Next(3));
                }

                int left = chance.Next(fleet.Waiting + 1);
                await Eventually.TrueAsync(() => fleet.Waiting <= left, "some of it was sent", TimeSpan.FromSeconds(30));
                if (chance.Next(2) == 0)
                {
                    await (chance.Next(2) == 0 ? toSj : toNy).CutAsync();
                    toSj.Restore();
                    toNy.Restore();
                }
            }

            if (life == 2)
            {
                await agent.SentAsync();
            }
        }

        await CheckAsync(fleet, Enumerable.Range(0, 40), ny);
    }

    [Fact]
    public async Task Two_agents_with_the_same_devices_shut_each_other_out_and_both_get_on()
    {
        await using RunningHost server = await RunningHost.StartAsync(RunningHost.OptionsIn(_directory));
        MemoryFleet one = new(partitions: 4);
        MemoryFleet two = new(partitions: 4) { Epoch = 2 };
        await using Agent first = Agent.Start("one", one, _log, ("sj", server.Host.Mqtt.Port));
        await using Agent second = Agent.Start("two", two, _log, ("sj", server.Host.Mqtt.Port));
        for (int i = 0; i < 300; i++)
        {
            one.Publish(Car(i % 20), partition: i % 2, 1);
            two.Publish(Car(i % 20), partition: 2 + (i % 2), 1);
            if (i % 50 == 49)
            {
                await first.SentAsync();
            }
        }

        await first.SentAsync();
        await second.SentAsync();
        Assert.Contains(_log.Logs.Entries, static e => e.EventId.Id == 3024);
        Assert.Equal(2, _log.Logs.Entries.Count(static e => e.EventId.Id == 3010));       // no connection ended for it
        _log.AssertNoErrors();
    }

    [Fact]
    public async Task What_is_refused_or_cannot_be_read_of_one_device_holds_up_no_other()
    {
        await using RunningHost server = await RunningHost.StartAsync(RunningHost.OptionsIn(_directory));
        MemoryFleet fleet = new(partitions: 8);                          // the stream has four
        fleet.Unreadable.Add(Car(1));
        fleet.Publish(Car(1), 0, 5);
        fleet.Publish(Car(2), 7, 3);
        fleet.Publish(Car(3), 0, 3);
        await using Agent agent = Agent.Start("agent", fleet, _log, ("sj", server.Host.Mqtt.Port));
        await Eventually.TrueAsync(() => fleet.Waiting == 5, "the others are sent");
        Assert.Equal(3, fleet.Parked.Sum(static p => p.Last - p.First + 1));
        Assert.All(fleet.Parked, static p => Assert.Equal(Car(2), p.Producer));
        fleet.Unreadable.Clear();
        await agent.SentAsync();
        Assert.Contains(_log.Logs.Entries, static e => e.EventId.Id == 3025);
        Assert.Equal(1, _log.Logs.Entries.Count(static e => e.EventId.Id == 3010));
        await CheckAsync(fleet, [1, 3], server);
    }

    private static ProducerId Car(int number) => ProducerId.ForName($"car-{number}");

    // Everything that the devices published is given once, in the order of each device and partition.
    private async Task CheckAsync(MemoryFleet fleet, IEnumerable<int> devices, RunningHost at)
    {
        await using StreamsClient reader = await StreamsClient.OpenAsync(new StreamsClientOptions
        {
            Name = "reader",
            Clusters = [ClusterEndpoint.Parse($"here=127.0.0.1:{at.Host.Mqtt.Port}")],
            OutboxPath = _directory.Combine("reader.db"),
        }, _log);
        await using StreamsConsumer consumer = await reader.ConsumeAsync(
            new ConsumerOptions { Name = ConsumerName.Parse("c"), Stream = MemoryFleet.Stream });
        Dictionary<(ProducerId, int), long> wanted = [];
        foreach (int device in devices)
        {
            for (int partition = 0; partition < 4; partition++)
            {
                wanted[(Car(device), partition)] =
                    fleet.Highest(Car(device), new StreamPartition(MemoryFleet.Stream, new PartitionId(partition)));
            }
        }

        Dictionary<(ProducerId, int), long> given = [];
        long left = wanted.Values.Sum();
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(40));
        await foreach (ReceivedEvent received in consumer.ReadAllAsync(limit.Token))
        {
            received.Acknowledge();
            (ProducerId, int) line = (received.Identity.Producer, received.Partition.Value);
            if (wanted.ContainsKey(line))
            {
                long before = given.GetValueOrDefault(line);
                Assert.True(received.Identity.Sequence == before + 1, $"{line}: {received.Identity.Sequence} behind {before}");
                Assert.Equal($"{received.Identity.Producer}:{received.Identity.Sequence}", Encoding.UTF8.GetString(received.Payload.Span));
                given[line] = before + 1;
                if (--left == 0)
                {
                    return;
                }
            }
        }
    }

    private sealed class Agent : IAsyncDisposable
    {
        private readonly ClientMetrics _metrics;
        private readonly ManyProducerSender _sender;
        private readonly ClusterLink _link;
        private readonly MemoryFleet _fleet;

        private Agent(string name, MemoryFleet fleet, ILoggerProvider log, (string Name, int Port)[] clusters)
        {
            StreamsProducerOptions options = new()
            {
                Name = name,
                Clusters = [.. clusters.Select(static c => ClusterEndpoint.Parse($"{c.Name}=127.0.0.1:{c.Port}"))],
                SendsForMany = true,
                BatchBytes = 16 << 10,
                ConnectBackoff = (TimeSpan.FromMilliseconds(10), TimeSpan.FromMilliseconds(50)),
                FailBackAfter = TimeSpan.FromMilliseconds(300),
            };
            _fleet = fleet;
            ILogger logger = log.CreateLogger("agent");
            _metrics = new ClientMetrics(name, static () => 0, static () => 0);
            _sender = new ManyProducerSender(fleet, options, _metrics, TimeProvider.System, logger);
            _link = new ClusterLink(options, new MqttClusterConnector(options, TimeProvider.System, logger), _metrics, TimeProvider.System,
                new Random(3), logger);
            _link.Add(_sender);
        }

        /// <summary>Those that something is kept of.</summary>
        public int Producers => _sender.Producers;

        public static Agent Start(string name, MemoryFleet fleet, ILoggerProvider log, params (string Name, int Port)[] clusters)
        {
            Agent agent = new(name, fleet, log, clusters);
            agent._link.Start();
            return agent;
        }

        public Task SentAsync() =>
            Eventually.TrueAsync(() => _fleet.Waiting == 0, "all is sent", TimeSpan.FromSeconds(30), () => $"{_fleet.Waiting} wait");

        public async ValueTask DisposeAsync()
        {
            await _link.DisposeAsync();
            _sender.Dispose();
            _metrics.Dispose();
        }
    }
}
