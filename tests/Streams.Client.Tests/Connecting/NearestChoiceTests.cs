using Streams.Testing;

namespace Streams.Client.Tests;

public class NearestChoiceTests
{
    private readonly SeededRandom _chance = Seeds.Next();

    [Fact]
    public void The_nearest_comes_first_and_what_was_not_measured_last_as_listed()
    {
        NearestChoice choice = new(5);
        choice.Measured(3, Ms(40));
        choice.Measured(1, Ms(20));
        Assert.Equal([1, 3, 0, 2, 4], Order(choice, 5));
        choice.Failed(1);
        Assert.Equal([3, 0, 1, 2, 4], Order(choice, 5));
    }

    [Fact]
    public void It_moves_when_another_was_clearly_nearer_three_times_in_a_row()
    {
        NearestChoice choice = new(2);
        choice.Measured(0, Ms(100));
        List<int> decided = [];
        for (int i = 0; i < 3; i++)
        {
            choice.Measured(0, Ms(100));
            choice.Measured(1, Ms(50));
            decided.Add(choice.Looked(0));
        }

        Assert.Equal([-1, -1, 1], decided);
        Assert.Equal(-1, choice.Looked(1));
    }

    [Fact]
    public void A_single_slow_connect_of_the_present_one_moves_nobody()
    {
        NearestChoice choice = new(2);
        for (int i = 0; i < 50; i++)
        {
            choice.Measured(0, Ms(i % 10 == 5 ? 200 : 50));
            choice.Measured(1, Ms(45));
            Assert.Equal(-1, choice.Looked(0));
        }
    }

    [Fact]
    public void Two_of_about_the_same_distance_do_not_get_it_to_and_fro()
    {
        NearestChoice choice = new(2);
        int current = 0;
        int moves = 0;
        for (int i = 0; i < 2000; i++)
        {
            // Both 50 ms away, a fifth more or less by chance.
            choice.Measured(0, Ms(40 + (20 * _chance.NextDouble())));
            choice.Measured(1, Ms(40 + (20 * _chance.NextDouble())));
            if (choice.Looked(current) is var goal and >= 0)
            {
                moves++;
                current = goal;
            }
        }

        // In 2000 looks at three a 30 s: five hours and a half.
        Assert.InRange(moves, 0, 5);
    }

    [Fact]
    public void Less_than_five_milliseconds_are_no_reason_however_great_their_share()
    {
        NearestChoice choice = new(2);
        for (int i = 0; i < 10; i++)
        {
            choice.Measured(0, Ms(4.9));
            choice.Measured(1, Ms(0.1));
            Assert.Equal(-1, choice.Looked(0));
        }
    }

    [Fact]
    public void Who_is_not_measured_is_not_moved_to_nor_from()
    {
        NearestChoice choice = new(3);
        for (int i = 0; i < 10; i++)
        {
            choice.Measured(1, Ms(1));
            Assert.Equal(-1, choice.Looked(0));
        }
    }

    [Fact]
    public void A_look_costs_few_connects_and_still_reaches_everyone_in_turn()
    {
        NearestChoice choice = new(20);
        HashSet<int> probed = [];
        for (int look = 0; look < 20; look++)
        {
            IReadOnlyList<int> now = choice.ToProbe(4);
            Assert.True(now.Count <= 4, $"{now.Count}");
            Assert.Equal(4, now[0]);
            Assert.Equal(now.Count, now.Distinct().Count());
            foreach (int i in now)
            {
                probed.Add(i);
                if (i % 3 == 0)
                {
                    choice.Failed(i);
                }
                else
                {
                    choice.Measured(i, Ms(100 - i));
                }
            }
        }

        Assert.Equal(20, probed.Count);
    }

    [Fact]
    public async Task A_client_goes_to_the_nearest_and_stays_there()
    {
        using TemporaryDirectory directory = new();
        ScriptedWorld world = new("far", "near");
        DistantWorld distances = new(world, name => name == "far" ? Ms(90) : Ms(20));
        CollectingLoggerProvider logs = new();
        StreamsClientOptions options = new()
        {
            Name = "car-17",
            Clusters = world.Endpoints,
            OutboxPath = Path.Combine(directory.FullName, "outbox.db"),
            Order = ClusterOrder.Nearest,
            FailBackAfter = Ms(60),
        };
        await using StreamsClient client = await StreamsClient.OpenAsync(options, distances, logs, null, new Random(1), default);

        await Eventually.TrueAsync(() => client.ConnectedTo?.Value == "near", "it goes to the nearer one");
        int looks = distances.Connects;
        await Eventually.TrueAsync(() => distances.Connects > looks + 20, "it looks on");

        Assert.Equal("near", client.ConnectedTo?.Value);
        Assert.Single(logs.Logs.Entries, static e => e.EventId.Id == 3053);
        logs.AssertNoErrors();
    }

    private static byte[] Order(NearestChoice choice, int count)
    {
        byte[] order = new byte[count];
        choice.Order(order);
        return order;
    }

    private static TimeSpan Ms(double ms) => TimeSpan.FromMilliseconds(ms);

    /// <summary>Clusters that say how long connecting to them took.</summary>
    private sealed class DistantWorld(ScriptedWorld world, Func<string, TimeSpan> distance) : IClusterConnector
    {
        private int _connects;

        public int Connects => Volatile.Read(ref _connects);

        public async ValueTask<IClusterConnection> ConnectAsync(ClusterEndpoint endpoint, string clientId, IncomingMessage incoming,
            CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _connects);
            return new Distant(await world.ConnectAsync(endpoint, clientId, incoming, cancellationToken), distance(endpoint.Name.Value));
        }

        private sealed class Distant(IClusterConnection inner, TimeSpan took) : IClusterConnection
        {
            public TimeSpan? ConnectTook => took;

            public Task<ConnectionEnd> Closed => inner.Closed;

            public Task<ClusterAnswer> SendAsync(string topic, ReadOnlyMemory<byte> payload, bool answered,
                CancellationToken cancellationToken) => inner.SendAsync(topic, payload, answered, cancellationToken);

            public ValueTask DisposeAsync() => inner.DisposeAsync();
        }
    }
}
