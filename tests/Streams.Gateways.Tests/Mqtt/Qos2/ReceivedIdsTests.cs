using Streams.Mqtt;

namespace Streams.Gateways.Tests;

/// <summary>What is decided about the identifiers that a client uses, without a connection and without a log.</summary>
public sealed class ReceivedIdsTests
{
    private static readonly Task<Answer> s_done = Task.FromResult(Answer.Taken);

    [Fact]
    public void A_repeat_on_the_same_connection_is_known_with_and_without_DUP_and_gets_the_same_answer()
    {
        ReceivedIds ids = new([], isShared: true, 10);
        Assert.Equal(ReceivedStep.TakeAsNew, ids.Next(1, false, out _));
        TaskCompletionSource<Answer> under = new();
        ids.Take(1, under.Task);
        Assert.Equal(ReceivedStep.Repeat, ids.Next(1, true, out Task<Answer> first));
        Assert.Equal(ReceivedStep.Repeat, ids.Next(1, false, out Task<Answer> second));
        Assert.Same(under.Task, first);
        Assert.Same(under.Task, second);
    }

    [Fact]
    public void Of_an_earlier_connection_the_log_knows_and_in_one_cluster_that_is_enough()
    {
        ReceivedIds ids = new([7], isShared: false, 10);
        Assert.Equal(ReceivedStep.Repeat, ids.Next(7, false, out _));
        Assert.Equal(ReceivedStep.Repeat, ids.Next(7, true, out _));
        Assert.Equal(ReceivedStep.Take, ids.Next(8, false, out _));
        Assert.True(ids.Release(7));
        Assert.False(ids.Release(7));
        Assert.Equal(ReceivedStep.Take, ids.Next(7, false, out _));
    }

    [Fact]
    public void Where_other_clusters_share_the_session_what_has_no_DUP_is_new_and_what_has_it_is_asked_of_the_log()
    {
        ReceivedIds ids = new([7], isShared: true, 10);
        Assert.Equal(ReceivedStep.Repeat, ids.Next(7, true, out _));
        Assert.Equal(ReceivedStep.TakeAsNew, ids.Next(7, false, out _));
        Assert.Equal(ReceivedStep.Take, ids.Next(8, true, out _));
    }

    [Fact]
    public void A_refusal_frees_its_own_identifier_and_no_later_use_of_it()
    {
        ReceivedIds ids = new([], isShared: false, 10);
        Task<Answer> refused = Task.FromResult(new Answer(MqttReasonCode.QuotaExceeded));
        ids.Take(1, refused);
        ids.Refuse(1, refused);
        Assert.Equal(ReceivedStep.Take, ids.Next(1, false, out _));
        ids.Take(1, s_done);
        ids.Refuse(1, refused);
        Assert.Equal(ReceivedStep.Repeat, ids.Next(1, true, out _));
    }

    [Fact]
    public void No_more_are_in_use_than_may_be_those_of_earlier_connections_included()
    {
        ReceivedIds ids = new([1, 2], isShared: false, 3);
        ids.Take(3, s_done);
        Assert.Equal(ReceivedStep.Full, ids.Next(4, false, out _));
        Assert.Equal(1, ids.Outstanding);
        ids.Release(1);
        Assert.Equal(ReceivedStep.Take, ids.Next(4, false, out _));
    }
}
