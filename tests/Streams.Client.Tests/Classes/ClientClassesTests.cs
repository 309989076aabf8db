using System.Text;
using Streams.Core;
using Streams.Testing;

namespace Streams.Client.Tests;

/// <summary>Priority classes and backlogs that are passed, with clusters in this process.</summary>
public sealed class ClientClassesTests
{
    private static readonly PriorityClass Alarms = new("alarms", ["alarm/#"]);

    [Fact]
    public async Task What_a_class_has_goes_before_what_waited_longer_and_nothing_is_lost_or_told_twice()
    {
        await using ClientStory story = new("a");
        story.World["a"].IsUp = false;
        await story.OpenAsync(story.Options with { Classes = [Alarms] });
        List<string> order = Record(story);
        List<PublishReceipt> bulk = await story.PublishAsync(2000, "log", bytes: 100);
        List<PublishReceipt> alarms = await story.PublishAsync(200, "alarm/1", bytes: 100);
        Assert.Equal(2200, story.Client.OutboxEvents);
        Assert.NotEqual(bulk[0].Identity.Producer, alarms[0].Identity.Producer);

        story.World["a"].IsUp = true;
        await story.Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
        int lastAlarm = order.FindLastIndex(static t => t == "alarm/1");
        Assert.InRange(order.Take(lastAlarm).Count(static t => t == "log"), 0, 400);      // an eighth, and a batch
        Assert.Equal(2200, story.World["a"].Events);

        StreamsConsumer consumer = await story.ConsumeAsync();
        List<(string Topic, int Number)> read = [];
        await ClientStory.ReadAsync(consumer, 2200, each: e => read.Add((e.Topic.Value, Number(e))));
        Assert.Equal(Enumerable.Range(1, 2000), read.Where(static e => e.Topic == "log").Select(static e => e.Number));
        Assert.Equal(Enumerable.Range(2001, 200), read.Where(static e => e.Topic == "alarm/1").Select(static e => e.Number));
        Assert.All(await Task.WhenAll(alarms.Concat(bulk).Select(static r => r.Stored)), static s => Assert.Equal(
            PublishOutcome.Stored, s.Outcome));
    }

    [Fact]
    public async Task A_class_that_is_full_holds_no_other_up()
    {
        await using ClientStory story = new("a");
        story.World["a"].IsUp = false;
        await story.OpenAsync(story.Options with { Classes = [Alarms], OutboxBytes = 1 << 20 });
        List<Task> logs = [];
        while (logs.TrueForAll(static l => l.IsCompleted))
        {
            logs.Add(story.PublishAsync(20, "log", bytes: 4000));
            await story.PublishAsync(1, "alarm/2");
        }

        await story.PublishAsync(300, "alarm/1", bytes: 1000);
        ClientStatus status = await story.Client.GetStatusAsync();
        Assert.Equal(["alarms", null], status.Classes.Select(static c => c.Class));
        Assert.Equal(300 + logs.Count, status.Classes[0].OutboxEvents);
        Assert.Equal(status.OutboxEvents, status.Classes.Sum(static c => c.OutboxEvents));
        story.World["a"].IsUp = true;
        await Task.WhenAll(logs).WaitAsync(Eventually.DefaultLimit);
        await story.Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
        Assert.Equal(300 + (21 * logs.Count), story.World["a"].Events);
    }

    [Fact]
    public async Task What_waits_of_a_class_that_there_is_no_more_is_sent_all_the_same()
    {
        await using ClientStory story = new("a");
        story.World["a"].IsUp = false;
        await story.OpenAsync(story.Options with { Classes = [Alarms with { Drain = DrainOrder.LiveFirst }], CloseWithin = TimeSpan.Zero });
        await story.PublishAsync(10, "alarm/1");
        await story.PublishAsync(5, "log");
        await story.Client.DisposeAsync();
        string stem = story.Options.OutboxPath[..^".db".Length];
        File.Copy(story.Options.OutboxPath, stem + ".copy.db");      // someone's backup: no outbox of a class

        story.World["a"].IsUp = true;
        await story.OpenAsync(story.Options, seed: 2);
        Assert.Equal(15, story.Client.OutboxEvents);
        Assert.Contains("outbox.alarms.db: the outbox of a priority class that there is no more; its 10 events", story.Logs.Text,
            StringComparison.Ordinal);
        await story.Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
        Assert.Equal(15, story.World["a"].Events);
        await story.Client.DisposeAsync();

        await story.OpenAsync(story.Options, seed: 3);
        Assert.Single((await story.Client.GetStatusAsync()).Classes);
    }

    [Fact]
    public async Task After_an_outage_what_is_published_passes_the_backlog_and_a_reader_tells_them_apart()
    {
        await using ClientStory story = new("a");
        await story.OpenAsync(story.Options with { Drain = DrainOrder.LiveFirst, OutboxBytes = 8 << 20 });
        await story.PublishAsync(10, "t", bytes: 100);
        await story.Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
        story.World["a"].GoDown();
        await Eventually.TrueAsync(() => story.Client.ConnectedTo is null && !story.Client.IsSending, "the device is alone");
        await story.PublishAsync(3000, "t", bytes: 100);

        using SemaphoreSlim gate = new(0);
        int batches = 0;
        story.World["a"].BeforeTaking = (_, _) => Interlocked.Increment(ref batches) > 20 && !gate.Wait(Eventually.DefaultLimit)
            ? new ClusterAnswer(0x97, "the test has waited in vain", []) : null;
        story.World["a"].IsUp = true;
        await Eventually.TrueAsync(() => Volatile.Read(ref batches) > 20, "the backlog is on its way");
        PublishReceipt live = (await story.PublishAsync(1, "t", bytes: 100))[0];
        gate.Release(10_000);
        await live.Stored.WaitAsync(Eventually.DefaultLimit);
        await story.Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
        await story.PublishAsync(5, "t", bytes: 100);

        StreamsConsumer consumer = await story.ConsumeAsync();
        List<(ProducerId Producer, int Number)> read = [];
        await ClientStory.ReadAsync(consumer, 3016, each: e => read.Add((e.Identity.Producer, Number(e))));
        int at = read.FindIndex(static e => e.Number == 3011);
        Assert.InRange(at, 10, 2500);
        Assert.NotEqual(read[0].Producer, read[at].Producer);
        Assert.Equal(Enumerable.Range(1, 3016).Where(static n => n != 3011),
            read.Where(e => e.Producer == read[0].Producer).Select(static e => e.Number));
        Assert.Equal([3011], read.Where(e => e.Producer != read[0].Producer).Select(static e => e.Number));
    }

    [Fact]
    public async Task R2_classes_and_passed_backlogs_survive_clusters_that_cut_lose_answers_and_go()
    {
        for (int seed = 1; seed <= 6; seed++)
        {
            Random random = new(seed);
            await using ClientStory story = new("a", "b");
            StreamsClientOptions options = story.Options with
            {
                Classes = [Alarms with { Drain = DrainOrder.LiveFirst }, new PriorityClass("orders", ["order"])],
                Drain = DrainOrder.LiveFirst,
                AnswerTimeout = TimeSpan.FromMilliseconds(300),
                CloseWithin = TimeSpan.Zero,
            };
            await story.OpenAsync(options, seed);
            foreach (string name in (string[])["a", "b"])
            {
                Random chance = new((seed * 31) + name[0]);
                story.World[name].Cuts = () => chance.Next(60) == 0;
                story.World[name].LosesAnswer = () => chance.Next(60) == 0;
            }

            HashSet<string> published = [];
            for (int step = 0; step < 12; step++)
            {
                foreach (string topic in (string[])["alarm/1", "order", "log"])
                {
                    int count = random.Next(1, 80);
                    foreach (PublishReceipt receipt in await story.PublishAsync(count, topic, bytes: random.Next(10, 400)))
                    {
                        Assert.True(published.Add($"{receipt.Identity}/{receipt.Partition}"), "no identity twice");
                    }
                }

                switch (random.Next(5))
                {
                    case 0:
                        story.World["a"].GoDown();
                        break;
                    case 1:
                        story.World["a"].IsUp = true;
                        break;
                    case 2:
                        story.World.Link("a", "b");
                        story.World.Link("b", "a");
                        break;
                    case 3:
                        await story.Client.DisposeAsync();
                        await story.OpenAsync(options, random.Next());
                        break;
                    default:
                        story.World["b"].CutAll();
                        break;
                }
            }

            story.World["a"].IsUp = true;
            story.World["a"].Cuts = story.World["b"].Cuts = null;
            story.World["a"].LosesAnswer = story.World["b"].LosesAnswer = null;
            await story.Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);
            story.World.Link("a", "b");
            story.World.Link("b", "a");
            StreamsConsumer consumer = await story.ConsumeAsync();
            Dictionary<(string, ProducerId), long> last = [];
            HashSet<int> given = [];
            await ClientStory.ReadAsync(consumer, published.Count, each: e =>
            {
                Assert.True(given.Add(Number(e)), $"seed {seed}: {Number(e)} twice");
                (string, ProducerId) of = (e.Topic.Value, e.Identity.Producer);
                Assert.True(last.GetValueOrDefault(of) < e.Identity.Sequence, $"seed {seed}: {of} {e.Identity.Sequence}");
                last[of] = e.Identity.Sequence;
            });
            Assert.Equal(Enumerable.Range(1, published.Count), given.Order());
        }
    }

    [Fact]
    public async Task Refused_events_of_all_classes_are_listed_and_retried_in_their_class()
    {
        await using ClientStory story = new("a");
        bool refuses = true;
        story.World["a"].BeforeTaking = (_, batch) => refuses ? new ClusterAnswer(0x99, "no", []) : null;
        await story.OpenAsync(story.Options with { Classes = [Alarms] });
        PublishReceipt alarm = (await story.PublishAsync(1, "alarm/1"))[0];
        PublishReceipt log = (await story.PublishAsync(1, "log"))[0];
        await Assert.ThrowsAsync<InvalidRequestException>(() => alarm.Stored.WaitAsync(Eventually.DefaultLimit));
        await Assert.ThrowsAsync<InvalidRequestException>(() => log.Stored.WaitAsync(Eventually.DefaultLimit));
        refuses = false;
        List<RefusedEvent> refused = [];
        await foreach (RefusedEvent one in story.Client.Refused.ListAsync())
        {
            refused.Add(one);
        }

        Assert.Equal([log.Identity, alarm.Identity], refused.Select(static r => r.Identity));
        PublishReceipt? again = await story.Client.Refused.RetryAsync(refused[1].Id);
        Assert.Equal(alarm.Identity.Producer, again!.Value.Identity.Producer);
        await again.Value.Stored.WaitAsync(Eventually.DefaultLimit);
        Assert.True(await story.Client.Refused.DiscardAsync(refused[0].Id));
        Assert.False(await story.Client.Refused.DiscardAsync(refused[1].Id));
        Assert.Null(await story.Client.Refused.RetryAsync(long.MaxValue));
    }

    [Fact]
    public void Faults_of_classes_are_all_named()
    {
        StreamsClientOptions options = new()
        {
            Name = "car",
            Clusters = [ClusterEndpoint.Parse("a=127.0.0.1:9")],
            OutboxPath = "o.db",
            Drain = (DrainOrder)9,
            Classes = [new("Alarms", ["#"]), new("lock", ["#"]), new("x", []), new("x", ["a/#/b"]) { OutboxBytes = 5 }],
        };
        string[] told = [.. options.FindFaults()];
        Assert.Equal(7, told.Length);
        Assert.Contains(told, static t => t.Contains("'Alarms'", StringComparison.Ordinal));
        Assert.Contains(told, static t => t.Contains("twice", StringComparison.Ordinal));
        Assert.Contains(told, static t => t.Contains("'a/#/b'", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("outbox.db")]
    [InlineData("outbox")]
    public void Files_of_classes_are_found_again_by_their_names_and_no_others(string main)
    {
        using TemporaryDirectory directory = new();
        string path = Path.Combine(directory.FullName, main);
        (string? Class, bool IsPassing)[] all = [(null, false), (null, true), ("alarms", false), ("alarms", true), ("b-2", false)];
        foreach ((string? name, bool isPassing) in all)
        {
            string file = OutboxFiles.Of(path, name, isPassing);
            foreach (string suffix in (string[])["", "-wal", "-shm", ".lock", ".damaged-20260101-000000"])
            {
                File.WriteAllText(file + suffix, string.Empty);
            }
        }

        File.WriteAllText(OutboxFiles.Of(path, "Upper", false), string.Empty);
        File.WriteAllText(OutboxFiles.Of(path, "a.b", false), string.Empty);
        Assert.Equal(all.Skip(1).Select(a => (Path.GetFullPath(OutboxFiles.Of(path, a.Class, a.IsPassing)), a.Class, a.IsPassing)).Order(),
            OutboxFiles.Beside(path).Order());
    }

    private static List<string> Record(ClientStory story)
    {
        List<string> order = [];
        story.World["a"].BeforeTaking = (_, batch) =>
        {
            foreach (EventView view in batch.Events)
            {
                order.Add(Encoding.UTF8.GetString(view.Topic.Span));
            }

            return null;
        };
        return order;
    }

    private static int Number(ReceivedEvent received) => int.Parse(Encoding.UTF8.GetString(received.Payload.Span).Trim(),
        System.Globalization.CultureInfo.InvariantCulture);
}
