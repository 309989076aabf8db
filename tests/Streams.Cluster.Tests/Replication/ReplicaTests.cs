using static Streams.Cluster.Tests.ReplicaStory;

namespace Streams.Cluster.Tests;

public sealed class ReplicaTests
{
    private readonly ReplicaStory _story = new();

    [Fact]
    public void A_record_is_committed_when_all_in_sync_have_flushed_it()
    {
        Three();
        Assert.Equal(1, _story[A].Append(3, _story.Now));
        Assert.Equal(0, _story[A].Committed);
        _story.Settle(cutOff: C);
        Assert.Equal((3, 0), (_story[B].Flushed, _story[A].Committed));
        _story.Pass(TimeSpan.FromSeconds(2));
        Assert.Equal(3, _story[A].Committed);
        Assert.Equal(3, _story[C].Committed);
        Assert.Equal(0, _story[B].Append(1, _story.Now));
    }

    [Fact]
    public void One_that_makes_no_headway_is_dropped_while_enough_are_left_and_joins_again()
    {
        Three();
        _story[A].Append(3, _story.Now);
        _story.Pass(TimeSpan.FromSeconds(4), cutOff: C);
        ContainerConfig dropped = Assert.Single(_story.Proposed.DistinctBy(static p => p.Epoch));
        Assert.Equal((6, "a b", 1), (dropped.Epoch, string.Join(' ', dropped.InSync), dropped.Life));
        _story[A].Learn(dropped, _story.Now);
        _story[B].Learn(dropped, _story.Now);
        _story.Settle(C);
        Assert.Equal(3, _story[A].Committed);

        _story.Proposed.Clear();
        _story.Pass(TimeSpan.FromSeconds(4), cutOff: B);
        Assert.DoesNotContain(_story.Proposed, static p => !p.InSync.Contains(B));          // two is the minimum
        _story.Pass(TimeSpan.FromSeconds(2));
        Assert.Contains(_story.Proposed, static p => p.Epoch == 7 && p.InSync.Count == 3);
    }

    [Fact]
    public void One_that_joins_is_waited_for_from_before_it_is_proposed_and_has_all_that_may_have_been_committed()
    {
        _story.Add(A, 5, (5, 10));
        _story.Add(B, 5, (5, 10));
        _story.Add(C, 5, (5, 4));
        ContainerConfig config = Config with { InSync = [A, B] };
        _story.Learn(config);
        _story.Pass(TimeSpan.FromMilliseconds(300));
        Assert.Equal(10, _story[C].Flushed);
        Assert.Contains(_story.Proposed, static p => p.InSync.Contains(C));
        _story[A].Append(1, _story.Now);
        _story.Settle(cutOff: C);
        Assert.Equal(10, _story[A].Committed);           // it may be in sync already
        _story.Pass(TimeSpan.FromSeconds(2));
        Assert.Equal(11, _story[A].Committed);
    }

    [Fact]
    public void A_new_primary_serves_nothing_until_all_have_its_log_and_then_no_less_than_the_old_one()
    {
        _story.Add(A, 5, (5, 7));
        _story.Add(B, 5, (5, 6));
        _story.Add(C, 5, (5, 5));
        _story.Learn(Config with { Life = 9 }, B, C);
        _story.Pass(TimeSpan.FromMilliseconds(100));
        ContainerConfig taken = Assert.Single(_story.Proposed);
        Assert.Equal((6, B, "b c"), (taken.Epoch, taken.Primary, string.Join(' ', taken.InSync)));
        _story[B].Learn(taken, _story.Now);
        Assert.Equal(ReplicaStanding.Candidate, _story[B].Standing);
        Assert.Equal(0, _story[B].Append(1, _story.Now));
        _story.Settle(A);
        Assert.Equal((ReplicaStanding.Primary, 6), (_story[B].Standing, _story[B].Committed));
        Assert.Equal(7, _story[B].Append(1, _story.Now));
        _story.Settle(A);
        _story[A].Learn(taken, _story.Now);
        _story.Pass(TimeSpan.FromSeconds(1));
        Assert.Equal(7, _story[A].Last);                 // the old one's seventh was cut, the new one's taken
        Assert.Equal(6, _story[A].Table.EpochOf(7));
        Assert.Equal(1, _story[A].Cuts);
    }

    [Fact]
    public void A_promise_outlives_a_restart_and_an_old_primary_is_told()
    {
        _story.Add(A, 5, (5, 7));
        _story.Add(B, promise: 6, (5, 6), (6, 3));
        Replica b = _story[B];
        b.Receive(A, new AppendFrame(5, 6, 5, 7, 5, 6), _story.Now);
        Assert.Equal(new SendOutput(A, new StaleFrame(6)), Assert.Single(b.Take()));
        Assert.Equal(9, b.Last);
    }

    [Fact]
    public void A_primary_that_was_restarted_makes_a_new_epoch_before_it_leads()
    {
        _story.Add(A, life: 2, promise: 5, (5, 7));
        _story.Add(B, 5, (5, 7));
        _story.Add(C, 5, (5, 7));
        _story.Learn(Config);
        Assert.Equal(ReplicaStanding.Follower, _story[A].Standing);
        ContainerConfig renewed = Assert.Single(_story.Proposed);
        Assert.Equal((6, A, 2), (renewed.Epoch, renewed.Primary, renewed.Life));
        _story.Learn(renewed);
        Assert.Equal(ReplicaStanding.Primary, _story[A].Standing);
    }

    [Fact]
    public void Without_a_lease_nothing_is_taken_committed_or_proposed()
    {
        Three();
        _story[A].Append(2, _story.Now);
        _story[A].Lease(false, _story.Now);
        _story.Pass(TimeSpan.FromSeconds(5), cutOff: C);
        Assert.Equal((0, false), (_story[A].Committed, _story[A].MayServe));
        Assert.Equal(0, _story[A].Append(1, _story.Now));
        Assert.Empty(_story.Proposed);
        _story[A].Lease(true, _story.Now);
        _story.Pass(TimeSpan.FromSeconds(1));
        ContainerConfig renewed = Assert.Single(_story.Proposed);
        Assert.Equal((6, A), (renewed.Epoch, renewed.Primary));
        _story.Learn(renewed);
        Assert.Equal((2, true), (_story[A].Committed, _story[A].MayServe));
    }

    [Fact]
    public void A_primary_in_place_of_a_living_one_serves_when_that_one_has_promised_or_its_lease_is_over()
    {
        foreach (bool answers in (bool[])[true, false])
        {
            Three();
            ContainerConfig moved = Config.MovedTo(B);
            _story[B].Learn(moved, _story.Now);
            _story.Settle(A);
            ContainerConfig renewed = _story.Proposed[^1];
            Assert.Equal((7, B, A), (renewed.Epoch, renewed.Primary, renewed.Former));
            _story[B].Learn(renewed, _story.Now);
            _story.Pass(TimeSpan.FromSeconds(4), cutOff: A);
            ContainerConfig without = _story.Proposed[^1];
            Assert.Equal((8, "b c", A), (without.Epoch, string.Join(' ', without.InSync), without.Former));
            _story[B].Learn(without, _story.Now);
            _story.Pass(TimeSpan.FromSeconds(3), cutOff: A);
            Assert.Equal(ReplicaStanding.Candidate, _story[B].Standing);
            if (answers)
            {
                _story.Pass(TimeSpan.FromSeconds(1));
                Assert.Equal(ReplicaStanding.Outsider, _story[A].Standing);
            }
            else
            {
                _story[B].Alive([B, C], _story.Now);
            }

            Assert.True(_story[B].MayServe);
        }
    }

    [Fact]
    public void With_fewer_in_sync_than_the_minimum_nothing_is_committed_and_the_last_ones_are_never_dropped()
    {
        _story.Add(A, 5, (5, 3));
        _story.Add(B, 5, (5, 3));
        _story.Learn(Config with { Replicas = [A, B], InSync = [A, B], Life = 9 }, B);
        _story.Pass(TimeSpan.FromMilliseconds(200), cutOff: A);
        ContainerConfig taken = Assert.Single(_story.Proposed);
        Assert.Equal((B, "a b"), (taken.Primary, string.Join(' ', taken.InSync)));
        _story[B].Learn(taken, _story.Now);
        _story.Pass(TimeSpan.FromSeconds(10), cutOff: A);
        Assert.Equal(ReplicaStanding.Candidate, _story[B].Standing);
        Assert.Single(_story.Proposed);
        _story.Pass(TimeSpan.FromSeconds(1));
        Assert.Equal(ReplicaStanding.Primary, _story[B].Standing);
    }

    [Fact]
    public void Committed_records_are_never_cut_whatever_a_frame_says()
    {
        _story.Add(B, 5, (5, 6));
        Replica b = _story[B];
        b.Receive(A, new AppendFrame(5, 6, 5, 6, 0, 6), _story.Now);
        Assert.Equal(6, b.Committed);
        InvalidOperationException e = Assert.Throws<InvalidOperationException>(() =>
            b.Receive(C, new AppendFrame(6, 3, 5, 4, 6, 3), _story.Now));
        Assert.Contains("diverged", e.Message, StringComparison.Ordinal);
    }

    /// <summary>From each standing, what each kind of news leads to.</summary>
    [Theory]
    [InlineData("Outsider", "in sync", "Follower")]
    [InlineData("Outsider", "primary of another life", "Follower")]
    [InlineData("Outsider", "primary of this life", "Candidate")]
    [InlineData("Follower", "not in sync", "Outsider")]
    [InlineData("Follower", "primary of this life", "Candidate")]
    [InlineData("Follower", "append of a later epoch", "Outsider")]
    [InlineData("Follower", "append of an earlier epoch", "Follower")]
    [InlineData("Candidate", "all have its log", "Primary")]
    [InlineData("Candidate", "in sync", "Follower")]
    [InlineData("Candidate", "append of a later epoch", "Outsider")]
    [InlineData("Candidate", "stale", "Follower")]
    [InlineData("Primary", "in sync", "Follower")]
    [InlineData("Primary", "not in sync", "Outsider")]
    [InlineData("Primary", "append of an earlier epoch", "Primary")]
    [InlineData("Primary", "append of a later epoch", "Outsider")]
    [InlineData("Primary", "stale", "Follower")]
    [InlineData("Primary", "no lease", "Follower")]
    [InlineData("Primary", "primary of this life", "Candidate")]
    public void Standings_change_as_the_table_says(string from, string news, string to)
    {
        Replica a = _story.Add(A, 5, (5, 3));
        ContainerConfig config = from switch
        {
            "Outsider" => Config with { Primary = B, InSync = [B, C] },
            "Follower" => Config with { Primary = B },
            _ => Config,
        };
        a.Lease(true, _story.Now);
        a.Learn(config, _story.Now);
        if (from == "Primary")
        {
            HaveAll(a, 5);
        }

        Assert.Equal(from, $"{a.Standing}");
        switch (news)
        {
            case "in sync":
                a.Learn(Config with { Epoch = 6, Primary = B }, _story.Now);
                break;
            case "not in sync":
                a.Learn(Config with { Epoch = 6, Primary = B, InSync = [B, C] }, _story.Now);
                break;
            case "primary of another life":
                a.Learn(Config with { Epoch = 6, Life = 7 }, _story.Now);
                break;
            case "primary of this life":
                a.Learn(Config with { Epoch = 6 }, _story.Now);
                break;
            case "append of a later epoch":
                a.Receive(C, new AppendFrame(9, 0, 0, 0, 0, 0), _story.Now);
                break;
            case "append of an earlier epoch":
                a.Receive(C, new AppendFrame(4, 0, 0, 0, 0, 0), _story.Now);
                break;
            case "all have its log":
                HaveAll(a, 5);
                break;
            case "stale":
                a.Receive(C, new StaleFrame(8), _story.Now);
                break;
            default:
                a.Lease(false, _story.Now);
                Assert.False(a.MayServe);
                break;
        }

        Assert.Equal(to, $"{a.Standing}");
    }

    [Fact]
    public void Changes_that_may_not_be_are_refused()
    {
        NodeName d = NodeName.Parse("d");
        Assert.Throws<ArgumentException>(() => Config.TakenOverBy(A, 2));
        Assert.Throws<ArgumentException>(() => Config.TakenOverBy(d, 2));
        Assert.Throws<ArgumentException>(() => Config.RenewedBy(B));
        Assert.Throws<ArgumentException>(() => Config.Without(A));
        Assert.Throws<ArgumentException>(() => Config.With(d));
        Assert.Throws<ArgumentException>(() => Config.With(B));
        Assert.Throws<ArgumentException>(() => Config.MovedTo(d));
        Assert.Throws<ArgumentException>(() => Config.AssignedTo([B, C]));
        ContainerConfig assigned = Config.AssignedTo([A, B, d]);
        Assert.Equal((6, "a b"), (assigned.Epoch, string.Join(' ', assigned.InSync)));
    }

    [Fact]
    public void The_common_part_of_two_logs_is_found_from_their_epochs()
    {
        for (int seed = 0; seed < 500; seed++)
        {
            Random random = new(seed);
            List<long> one = [];
            for (int i = random.Next(30); i > 0; i--)
            {
                one.Add((one.Count == 0 ? 1 : one[^1]) + (random.Next(4) == 0 ? random.Next(1, 3) * 2 : 0));
            }

            // The other shares a part, and then has epochs of its own: odd ones become even.
            int common = random.Next(one.Count + 1);
            List<long> other = [.. one.Take(common)];
            long epoch = (other.Count == 0 ? 0 : other[^1]) + 1;
            epoch += epoch % 2 == 0 ? 0 : 1;
            for (int i = random.Next(20); i > 0; i--)
            {
                other.Add(epoch += random.Next(3) == 0 ? 2 : 0);
            }

            (EpochTable first, EpochTable second) = (Table(one), Table(other));
            int same = one.Zip(other).TakeWhile(static p => p.First == p.Second).Count();
            Assert.Equal(same, first.CommonWith(second, one.Count, other.Count));
            Assert.Equal(same, second.CommonWith(first, other.Count, one.Count));
            Assert.Equal(one, Enumerable.Range(1, one.Count).Select(i => first.EpochOf(i)));
            int cut = random.Next(one.Count + 1);
            first.CutAfter(cut);
            Assert.Equal(Table([.. one.Take(cut)]).Runs, first.Runs);
        }
    }

    private static EpochTable Table(List<long> log)
    {
        EpochTable table = new();
        for (int i = 0; i < log.Count; i++)
        {
            table.Add(log[i], i + 1);
        }

        return EpochTable.Of(table.Runs);
    }

    private void HaveAll(Replica a, long epoch)
    {
        a.Receive(B, new AckFrame(epoch, 3), _story.Now);
        a.Receive(C, new AckFrame(epoch, 3), _story.Now);
    }

    private void Three()
    {
        _story.Add(A, 0);
        _story.Add(B, 0);
        _story.Add(C, 0);
        _story.Learn(Config);
        Assert.Equal(ReplicaStanding.Primary, _story[A].Standing);
    }
}
