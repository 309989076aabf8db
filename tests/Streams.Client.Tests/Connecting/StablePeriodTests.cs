using Streams.Core;
using Streams.Testing;

namespace Streams.Client.Tests;

/// <summary>A cluster that takes connections and drops them is spared, and one that points elsewhere is followed.</summary>
public class StablePeriodTests
{
    private static readonly ReconnectRules Rules = new(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(30));
    private static readonly ClusterName[] List = [.. new[] { "sj", "ny", "ldn" }.Select(ClusterName.Parse)];
    private readonly SeededRandom _chance = Seeds.Next();

    [Fact]
    public void Short_sessions_in_a_row_pause_longer_and_longer_however_useful_and_a_stable_one_begins_anew()
    {
        ReconnectPlan plan = new([List[0]], Rules);
        TimeSpan now = TimeSpan.Zero;
        List<double> pauses = [];
        for (int i = 0; i < 10; i++)
        {
            now = plan.Next(now, _chance).At;
            plan.Connected();
            plan.Lost(SessionLoss.Together, wasUseful: true, isGood: true, now, _chance, wasShort: true);
            pauses.Add((plan.Next(now, _chance).At - now).TotalMilliseconds);
        }

        Assert.Equal(0, pauses[0]);
        for (int i = 1; i < pauses.Count; i++)
        {
            double longest = Math.Min(100 * Math.Pow(2, i - 1), 5000);
            Assert.InRange(pauses[i], longest / 2, longest);
        }

        plan.Connected();
        plan.Lost(SessionLoss.Together, wasUseful: true, isGood: true, now, _chance, wasShort: false);
        Assert.Equal(now, plan.Next(now, _chance).At);
    }

    [Fact]
    public void A_cluster_that_ended_three_sessions_at_once_comes_last_and_a_bad_line_of_the_own_does_not_count()
    {
        foreach (SessionLoss loss in new[] { SessionLoss.Together, SessionLoss.Alone })
        {
            ReconnectPlan plan = new(List, Rules);
            TimeSpan now = TimeSpan.Zero;
            for (int i = 0; i < ReconnectRules.DropsToRest; i++)
            {
                ReconnectStep step = plan.Next(now, _chance);
                Assert.Equal(0, step.Endpoint);
                now = step.At;
                plan.Connected();
                plan.Lost(loss, wasUseful: true, isGood: true, now, _chance, wasShort: true);
            }

            Assert.Equal(loss == SessionLoss.Together ? 1 : 0, plan.Next(now, _chance).Endpoint);
        }
    }

    [Fact]
    public void A_cluster_that_points_elsewhere_at_the_end_is_followed_once_also_to_one_that_rests()
    {
        ReconnectPlan plan = new(List, Rules);
        TimeSpan now = TimeSpan.Zero;
        plan.Next(now, _chance);
        plan.Connected();
        plan.Lost(SessionLoss.Together, wasUseful: true, isGood: true, now, _chance, rather: 2);
        Assert.Equal(new ReconnectStep(2, now), plan.Next(now, _chance));
        plan.Connected();
        plan.Lost(SessionLoss.Alone, wasUseful: false, isGood: false, now, _chance, rather: 2);
        Assert.Equal(0, plan.Next(now, _chance).Endpoint);
        plan.Connected();
        plan.Lost(SessionLoss.Together, wasUseful: true, isGood: true, now, _chance, rather: 2);
        Assert.Equal(2, plan.Next(now, _chance).Endpoint);
        plan.Failed(now, null, -1, _chance);
        Assert.Equal(0, plan.Next(now, _chance).Endpoint);
    }

    [Fact]
    public void A_reference_to_one_tried_in_this_round_begins_the_next()
    {
        ReconnectPlan plan = new(List, Rules);
        plan.Next(TimeSpan.Zero, _chance);
        plan.Failed(TimeSpan.Zero, null, -1, _chance);
        plan.Next(TimeSpan.Zero, _chance);
        plan.Failed(TimeSpan.Zero, null, -1, _chance);
        plan.Next(TimeSpan.Zero, _chance);
        plan.Failed(TimeSpan.Zero, null, 1, _chance);
        Assert.Equal(1, plan.Next(TimeSpan.Zero, _chance).Endpoint);
    }

    [Theory]
    [InlineData("ny", 1)]
    [InlineData("10.0.0.2:1883", 1)]
    [InlineData("10.0.0.2", 1)]
    [InlineData("[fd00::1]:8883", 2)]
    [InlineData("mqtts://[fd00::1]:8883", 2)]
    [InlineData("evil:1883 LDN.example:443 ny", 3)]
    [InlineData("ldn.example:1", -1)]
    [InlineData("evil", -1)]
    [InlineData(" ", -1)]
    [InlineData(null, -1)]
    public void A_reference_finds_members_of_the_list_alone(string? reference, int expected)
    {
        ClusterEndpoint[] clusters =
        [
            ClusterEndpoint.Parse("sj=10.0.0.1:1883"), ClusterEndpoint.Parse("ny=10.0.0.2:1883"),
            ClusterEndpoint.Parse("fra=mqtts://[fd00::1]"), ClusterEndpoint.Parse("ldn=wss://ldn.example/mqtt"),
        ];

        Assert.Equal(expected, ServerReference.Find(reference, clusters));
    }

    [Fact]
    public async Task A_cluster_that_takes_a_batch_and_drops_the_connection_is_not_hammered()
    {
        await using ClientStory story = new("a");
        int dropped = 0;
        story.World["a"].Cuts = () => ++dropped <= 4;
        await story.OpenAsync(story.Options with { ConnectBackoff = (TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(5)) });
        long began = TimeProvider.System.GetTimestamp();

        await story.PublishAsync(5);
        await story.Client.FlushAsync().WaitAsync(Eventually.DefaultLimit);

        // Pauses of at least 0 or 100, 100, 200 and 400 ms.
        Assert.True(TimeProvider.System.GetElapsedTime(began) >= TimeSpan.FromMilliseconds(690), $"{dropped} drops");
        Assert.InRange(story.World["a"].Connects, 5, 6);
    }
}
