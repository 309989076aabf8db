using Streams.Core;
using Streams.Testing;

namespace Streams.Client.Tests;

/// <summary>Where a client goes and when (decision 0009).</summary>
public class ReconnectPlanTests
{
    private static readonly ReconnectRules Rules = new(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(30));
    private static readonly ClusterName[] List = [.. new[] { "sj", "ny", "ldn", "fra" }.Select(ClusterName.Parse)];
    private static readonly SpreadHint Hint = new(TimeSpan.FromSeconds(20), [new(List[1], 3), new(List[2], 1)]);
    private static readonly TimeSpan Ten = TimeSpan.FromSeconds(10);
    private readonly SeededRandom _chance = Seeds.Next();

    [Fact]
    public void Without_a_hint_it_goes_by_its_list_at_once_and_pauses_longer_after_each_round_in_vain()
    {
        ReconnectPlan plan = new(List, Rules);
        TimeSpan now = TimeSpan.Zero;
        List<TimeSpan> pauses = [];
        for (int round = 0; round < 8; round++)
        {
            ReconnectStep step = plan.Next(now, _chance);
            pauses.Add(step.At - now);
            now = step.At;
            for (int i = 0; i < List.Length; i++)
            {
                Assert.Equal(new ReconnectStep(i, now), plan.Next(now, _chance));
                plan.Failed(now, null, -1, _chance);
            }
        }

        Assert.Equal(TimeSpan.Zero, pauses[0]);
        for (int i = 1; i < pauses.Count; i++)
        {
            double longest = Math.Min(100 * Math.Pow(2, i - 1), 5000);
            Assert.InRange(pauses[i].TotalMilliseconds, longest / 2, longest);
        }
    }

    [Fact]
    public void When_all_lose_a_cluster_each_waits_its_share_of_the_window_and_goes_by_weight()
    {
        int[] went = new int[List.Length];
        List<TimeSpan> waits = [];
        for (int i = 0; i < 4000; i++)
        {
            ReconnectPlan plan = ConnectedTo(0, Hint);
            plan.Lost(SessionLoss.Together, wasUseful: true, isGood: true, Ten, _chance);
            ReconnectStep step = plan.Next(Ten, _chance);
            Assert.Equal(step, plan.Next(Ten, _chance));
            went[step.Endpoint]++;
            waits.Add(step.At - Ten);
        }

        Assert.Equal((0, 0), (went[0], went[3]));
        Assert.InRange(went[1], 2850, 3150);
        Assert.All(waits, w => Assert.InRange(w, TimeSpan.Zero, Hint.Window));
        Assert.InRange(waits.Average(static w => w.TotalSeconds), 9.5, 10.5);
    }

    [Fact]
    public void Behind_those_hinted_come_the_others_of_the_list_and_last_the_one_lost()
    {
        ReconnectPlan plan = ConnectedTo(0, Hint);
        Assert.True(plan.Lost(SessionLoss.Together, wasUseful: true, isGood: true, Ten, _chance));
        int[] order = Round(plan, plan.Next(Ten, _chance).At);
        Assert.Equal([1, 2], order[..2].Order());
        Assert.Equal([3, 0], order[2..]);
    }

    [Fact]
    public void It_goes_at_once_when_the_devices_are_few()
    {
        ReconnectPlan plan = ConnectedTo(0, Hint with { Window = TimeSpan.Zero });
        Assert.False(plan.Lost(SessionLoss.Together, wasUseful: true, isGood: true, Ten, _chance));
        int[] order = Round(plan, Ten);
        Assert.Equal((0, 3), (order[0], order[3]));
    }

    [Fact]
    public void A_hint_cannot_send_it_to_a_cluster_that_is_not_in_its_list()
    {
        ReconnectPlan plan = ConnectedTo(1, new SpreadHint(TimeSpan.FromSeconds(1), [new(ClusterName.Parse("evil"), 10_000)]));
        plan.Lost(SessionLoss.Together, wasUseful: true, isGood: true, Ten, _chance);
        Assert.Equal([0, 2, 3, 1], Round(plan, plan.Next(Ten, _chance).At));
    }

    [Fact]
    public void A_loss_of_its_own_is_tried_again_at_once_and_only_when_that_fails_it_is_one_of_many()
    {
        ReconnectPlan plan = ConnectedTo(0, Hint);
        Assert.False(plan.Lost(SessionLoss.Alone, wasUseful: true, isGood: true, Ten, _chance));
        Assert.Equal(new ReconnectStep(0, Ten), plan.Next(Ten, _chance));
        Assert.True(plan.Failed(Ten, null, -1, _chance));
        ReconnectStep step = plan.Next(Ten, _chance);
        Assert.InRange(step.Endpoint, 1, 2);
        Assert.InRange(step.At, Ten, Ten + Hint.Window);
    }

    [Fact]
    public void A_busy_cluster_is_not_tried_before_the_time_it_named_and_the_others_at_a_random_time_within_it()
    {
        for (int i = 0; i < 100; i++)
        {
            ReconnectPlan plan = new([List[0], List[1]], Rules);
            plan.Next(TimeSpan.Zero, _chance);
            plan.Failed(TimeSpan.Zero, Ten * 3, -1, _chance);
            ReconnectStep other = plan.Next(TimeSpan.Zero, _chance);
            Assert.Equal(1, other.Endpoint);
            Assert.InRange(other.At, TimeSpan.Zero, ReconnectRules.LongestToOthers);
            plan.Failed(other.At, Ten * 20, -1, _chance);
            ReconnectStep again = plan.Next(other.At, _chance);
            Assert.Equal(0, again.Endpoint);
            Assert.InRange(again.At, Ten * 3, Ten * 3 * (1 + ReconnectRules.RetryJitter));
        }
    }

    [Fact]
    public void A_wait_beyond_reason_is_not_believed()
    {
        ReconnectPlan plan = new([List[0]], Rules);
        plan.Next(TimeSpan.Zero, _chance);
        plan.Failed(TimeSpan.Zero, TimeSpan.FromDays(20), -1, _chance);
        Assert.InRange(plan.Next(TimeSpan.Zero, _chance).At, ReconnectRules.LongestRetryAfter,
            ReconnectRules.LongestRetryAfter * (1 + ReconnectRules.RetryJitter));
    }

    [Fact]
    public void A_cluster_that_points_to_another_of_the_list_is_followed()
    {
        ReconnectPlan plan = new(List, Rules);
        plan.Next(TimeSpan.Zero, _chance);
        plan.Failed(TimeSpan.Zero, null, 3, _chance);
        Assert.Equal(3, plan.Next(TimeSpan.Zero, _chance).Endpoint);
    }

    [Fact]
    public void A_cluster_that_failed_twice_comes_behind_the_others_for_a_while()
    {
        ReconnectPlan plan = new(List, Rules);
        TimeSpan now = TimeSpan.Zero;
        for (int i = 0; i < 2; i++)
        {
            now = plan.Next(now, _chance).At;
            for (int j = 0; j < (i == 0 ? 4 : 1); j++)
            {
                plan.Failed(now, null, -1, _chance);
            }
        }

        Assert.Equal(1, plan.Next(now, _chance).Endpoint);
        plan.Connected();
        plan.Lost(SessionLoss.Alone, wasUseful: true, isGood: true, now, _chance);
        Assert.Equal([1, 2, 3, 0], Round(plan, now));
    }

    [Fact]
    public void A_session_that_was_good_for_nothing_is_not_repeated_at_once_and_its_cluster_comes_last()
    {
        ReconnectPlan plan = ConnectedTo(0, null);
        plan.Lost(SessionLoss.Alone, wasUseful: false, isGood: false, Ten, _chance);
        ReconnectStep step = plan.Next(Ten, _chance);
        Assert.Equal(1, step.Endpoint);
        Assert.InRange(step.At - Ten, Rules.First / 2, Rules.First);
    }

    [Fact]
    public void Going_back_begins_with_the_preferred_cluster_and_a_busy_one_there_costs_no_wait()
    {
        ReconnectPlan plan = ConnectedTo(2, Hint);
        plan.Return(Ten);
        Assert.Equal(new ReconnectStep(0, Ten), plan.Next(Ten, _chance));
        plan.Failed(Ten, TimeSpan.FromSeconds(40), -1, _chance);
        Assert.Equal(new ReconnectStep(2, Ten), plan.Next(Ten, _chance));
    }

    [Fact]
    public void Few_devices_look_three_times_in_the_span_and_many_so_seldom_that_they_are_no_crowd()
    {
        FailBackPlan few = new(TimeSpan.FromSeconds(30));
        TimeSpan now = TimeSpan.Zero;
        int looks = 0;
        do
        {
            now += few.UntilLook(TimeSpan.Zero, _chance.NextDouble());
            looks++;
        }
        while (!few.Looked(answered: looks != 2, now));

        Assert.Equal((6, TimeSpan.FromSeconds(60)), (looks, now));
        Assert.Equal(TimeSpan.Zero, few.Delay(0.5));

        FailBackPlan many = new(TimeSpan.FromSeconds(30));
        TimeSpan window = TimeSpan.FromSeconds(12);
        Assert.True(many.UntilLook(window, 0) >= window * 0.75 * FailBackPlan.WindowsPerLook);
        Assert.False(many.Looked(answered: true, Ten));
        Assert.True(many.UntilLook(TimeSpan.Zero, 0) > window);
        Assert.True(many.Looked(answered: true, Ten + window * FailBackPlan.WindowsPerLook));
        Assert.Equal(window / 2, many.Delay(0.5));
    }

    private ReconnectPlan ConnectedTo(int endpoint, SpreadHint? hint)
    {
        ReconnectPlan plan = new(List, Rules);
        while (plan.Next(TimeSpan.Zero, _chance).Endpoint != endpoint)
        {
            plan.Failed(TimeSpan.Zero, null, -1, _chance);
        }

        plan.Connected();
        if (hint is not null)
        {
            plan.Take(hint);
        }

        return plan;
    }

    // The places of one round, all tried in vain.
    private int[] Round(ReconnectPlan plan, TimeSpan now)
    {
        int[] order = new int[List.Length];
        for (int i = 0; i < order.Length; i++)
        {
            ReconnectStep step = plan.Next(now, _chance);
            Assert.Equal(now, step.At);
            order[i] = step.Endpoint;
            plan.Failed(now, null, -1, _chance);
        }

        return order;
    }
}
