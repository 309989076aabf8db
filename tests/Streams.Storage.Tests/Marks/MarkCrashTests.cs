using Streams.Core;
using static Streams.Storage.Tests.MarkScene;
using static Streams.Storage.Tests.Scene;

namespace Streams.Storage.Tests;

/// <summary>Whatever a crash leaves of a group, an event is there if and only if its mark is.</summary>
public sealed class MarkCrashTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Whatever_step_the_machine_stops_at_event_and_mark_are_both_there_or_neither(int seed)
    {
        int steps;
        await using (Scene whole = await OpenAsync(seed, FaultyScene.Small))
        {
            await new Senders(whole, new Random(seed)).RunAsync();
            steps = whole.Disk.Steps;
        }

        int torn = 0;
        for (int stop = 4; stop <= steps; stop++)
        {
            for (int crash = 0; crash < 3; crash++)
            {
                await using Scene scene = await OpenAsync(seed, FaultyScene.Small);
                scene.Disk.StopAt = stop;
                Senders senders = new(scene, new Random(seed));
                await senders.RunAsync();
                await scene.CrashAsync(crash == 0 ? null : new Random((seed * 100_000) + (stop * 10) + crash));
                torn += scene.Store.Recovery.CutBytes > 0 ? 1 : 0;
                await senders.CheckAsync($"seed {seed}, stopped at step {stop}, crash {crash}");
                await senders.RepeatAsync();
                await senders.CheckAsync($"seed {seed}, stopped at step {stop}, crash {crash}, asked again");
            }
        }

        Assert.True(torn > 10, "groups were torn");
    }

    [Fact]
    public async Task Every_tear_of_a_group_takes_all_of_it_or_leaves_all_of_it()
    {
        await using Scene scene = await OpenAsync();
        await scene.OnceAsync("a", Number(1));
        long before = scene.Store.Status().Bytes;
        await scene.OnceAsync(new string('b', 700), Number(2));
        long end = scene.Store.Status().Bytes;
        await scene.Store.DisposeAsync();
        string segment = scene.Disk.List().Single();
        for (long at = before; at < end; at += 8)
        {
            scene.Disk.Flip(segment, at);
            Container store = await Container.OpenAsync(scene.Options with { Disk = scene.Disk.CopyOfDurable() }, scene.Time, scene.Chance,
                scene.Log, default);
            await using (store)
            {
                ReadOnlyMemory<byte> value = store.Register(Sessions, "qos2/car")!.Value.Value;
                int marks = MarkedNumbers.Of(new ProducerId(1), value).Count;
                int events = (await scene.PayloadsAsync(store: store)).Count;
                Assert.True(marks == events, $"torn at {at - before} of {end - before}: {events} events, {marks} marks");
            }

            scene.Disk.Flip(segment, at);
        }
    }

    /// <summary>Five clients with ten messages each, together with others whose messages are not marked.</summary>
    private sealed class Senders(Scene scene, Random chance)
    {
        private const int Clients = 5;
        private readonly HashSet<(int Client, int Number)> _told = [];
        private readonly List<(int Client, int Number)> _tried = [];

        public async Task RunAsync()
        {
            for (int round = 0; round < 10; round++)
            {
                List<Task> calls = [];
                for (int client = 0; client < Clients; client++)
                {
                    int number = 1 + round;
                    _tried.Add((client, number));
                    calls.Add(SendAsync(client, number));
                    if (chance.Next(2) == 0)
                    {
                        calls.Add(PlainAsync());
                    }
                }

                await Task.WhenAll(calls);
            }
        }

        /// <summary>As clients do that were told nothing.</summary>
        public async Task RepeatAsync()
        {
            foreach ((int client, int number) in _tried)
            {
                await scene.OnceAsync($"{client}:{number}", Number(number, $"c{client}"));
                _told.Add((client, number));
            }
        }

        public async Task CheckAsync(string when)
        {
            List<string> payloads = scene.Store.Lane(scene.Own) is null ? [] : await scene.PayloadsAsync();
            for (int client = 0; client < Clients; client++)
            {
                int[] marked = scene.Marked($"c{client}");
                string[] marks = [.. marked.Select(n => $"{client}:{n}")];
                string[] events = [.. payloads.Where(p => p.StartsWith($"{client}:", StringComparison.Ordinal))];
                Assert.True(marks.Order().SequenceEqual(events.Order()),
                    $"{when}: client {client} has marks {string.Join(' ', marks)}, events {string.Join(' ', events)}");
                Assert.True(_told.Where(t => t.Client == client).All(t => marked.Contains(t.Number)), $"{when}: client {client}");
            }
        }

        private async Task SendAsync(int client, int number)
        {
            try
            {
                await scene.OnceAsync($"{client}:{number}", Number(number, $"c{client}"));
                lock (_told)
                {
                    _told.Add((client, number));
                }
            }
            catch (StreamsException)
            {
                // Nobody knows.
            }
        }

        private async Task PlainAsync()
        {
            try
            {
                await scene.Store.AppendPlainAsync(P0, Event("plain" + new string('x', chance.Next(600))), default);
            }
            catch (StreamsException)
            {
                // Nobody knows.
            }
        }
    }
}
