using Streams.Core;

namespace Streams.Geo.Tests;

public sealed class LinkReceiverTests
{
    private static readonly Origin A = new(ClusterName.Parse("a"), new Incarnation(50));
    private static readonly LaneId Lane = new(MemoryLaneStore.Partition(0), A);

    private readonly IncomingMemory _shared = new();
    private readonly MemoryLaneStore _store;
    private readonly LinkReceiver _receiver;
    private readonly Transcript _play;
    private ulong _clock = 100;

    public LinkReceiverTests()
    {
        _store = new MemoryLaneStore("b", () => ++_clock);
        _receiver = new LinkReceiver(new LinkReceiverSettings(10_000), _store, _shared);
        _play = new Transcript(_receiver, _store);
    }

    [Fact]
    public void It_wants_each_lane_from_its_own_head_on_and_acknowledges_what_is_flushed()
    {
        Ingest(0, 3);
        Assert.Equal("Welcome, Holds []., Feed [0:3]", Begin(new LaneHead(Lane, default, new(5), new(5))));
        Assert.Equal("ingest 3-4: Taken, Ack [0:5]", _play.Give(Entry(3), Entry(4)));
        Assert.False(_receiver.IsLevel);
        Assert.Equal("", _play.Give(new HeadsFrame(1, []), new StateEndFrame(1)));
        Assert.True(_receiver.IsLevel);
        _play.Give(new HeadsFrame(2, [new LaneMark(0, new(7), new(7))]));
        Assert.False(_receiver.IsLevel);
        Assert.Equal(2, _receiver.LagEvents);
        Ingest(5, 2); // over another link
        Assert.True(_receiver.IsLevel);
    }

    [Fact]
    public void What_comes_while_a_group_is_under_way_is_the_next_group()
    {
        Begin(new LaneHead(Lane, default, new(5), new(5)));
        _receiver.Receive(Entry(0));
        Assert.True(_receiver.TryNext(out var first));
        _receiver.Receive(Entry(1));
        _receiver.Receive(Entry(2));
        Assert.False(_receiver.TryNext(out _));
        var ingest = Assert.IsType<IngestEntries>(first);
        _receiver.OnIngested(ingest, Take(ingest.Lane, ingest.Entries));
        Assert.Equal("ingest 1-2: Taken, Ack [0:3]", _play.Drain());
        Assert.Equal(0, _receiver.BytesHeld);
    }

    [Fact]
    public void It_asks_once_for_what_is_missing_and_takes_nothing_until_the_sender_has_begun_again()
    {
        Begin(new LaneHead(Lane, default, new(9), new(9)));
        Assert.Equal("ingest 2-3: Ahead, Ask 0:0<2, Ack [0:0]", _play.Give(Entry(2), Entry(3)));
        Assert.Equal("", _play.Give(Entry(4), Entry(5)));
        Assert.Equal("ingest 0-5: Taken, Ack [0:6]", _play.Give([.. Enumerable.Range(0, 6).Select(Entry)]));
    }

    [Fact]
    public void A_gap_is_stepped_over_when_the_state_before_it_is_joined()
    {
        Begin(new LaneHead(Lane, new(4), new(5), new(5)));
        _receiver.Receive(new StateFrame([new StateItem(StateKind.Register, Lane.Partition, "x=1"u8.ToArray())]));
        _receiver.Receive(new SkipFrame(0, new(4), new(4)));
        _receiver.Receive(Entry(4));
        Assert.True(_receiver.TryNext(out var join));
        Assert.False(_receiver.TryNext(out _)); // neither the gap nor what is behind it
        _receiver.OnJoined(Assert.IsType<JoinState>(join));
        Assert.Equal("skip to 4, ingest 4-4: Taken, Ack [0:5]", _play.Drain());
    }

    [Fact]
    public void A_lane_of_two_histories_is_refused_and_the_others_go_on()
    {
        Ingest(0, 3);
        var other = new LaneId(MemoryLaneStore.Partition(1), A);
        Begin(new LaneHead(Lane, default, new(5), new(5)), new LaneHead(other, default, new(1), new(1)));
        Assert.Equal("ingest 1-1: Fork, LaneRefused 0, Feed [0:off], ingest 0-0: Taken, Ack [1:1]",
            _play.Give(Entry(1, body: "something else"), new EntryFrame(1, Entry(0).Entry)));
        Assert.Equal("", _play.Give(Entry(2)));
        Assert.Equal(0, _receiver.BytesHeld);
        _play.Give(new HeadsFrame(1, []), new StateEndFrame(1));
        Assert.True(_receiver.IsLevel);
    }

    [Fact]
    public void A_sender_that_holds_more_of_the_own_lane_makes_this_cluster_open_a_new_incarnation()
    {
        _store.AppendFlushed(0, "mine");
        var own = new LaneId(MemoryLaneStore.Partition(0), _store.Origin);
        Assert.StartsWith("Welcome, open, end: this cluster opens", Begin(new LaneHead(own, default, new(9), new(9))));
    }

    [Fact]
    public void A_later_incarnation_of_the_own_name_makes_this_cluster_open_one_that_is_later_still()
    {
        var later = new Origin(_store.Origin.Cluster, new Incarnation(1_000_000));
        Assert.StartsWith("Welcome, join 1, open, end", Begin(new LaneHead(Lane with { Origin = later }, default, new(1), default)));
        Assert.True(_store.Origin.Incarnation > later.Incarnation);
    }

    [Fact]
    public void It_says_what_it_holds_of_the_senders_name_and_gives_it_back_on_demand()
    {
        Ingest(0, 3);
        var old = Lane with { Origin = new Origin(A.Cluster, new Incarnation(4)) };
        Take(old, [Make(0, "x"), Make(1, "x")]);
        Assert.Equal("Welcome, Holds [2].", Begin(new LaneHead(Lane, default, new(3), new(3))));
        Assert.Equal("FetchEntry 1, FetchEnd", _play.Give(new FetchFrame(old, new(1), 1000)));
        Assert.Equal("FetchEntry 0, FetchEntry 1, FetchEntry 2, FetchEnd", _play.Give(new FetchFrame(Lane, default, 1000)));
        Assert.Equal("FetchEnd", _play.Give(new FetchFrame(old with { Origin = _store.Origin }, default, 1000)));
    }

    [Fact]
    public void A_sender_that_ignores_its_credit_is_hung_up_on()
    {
        Begin(new LaneHead(Lane, default, new(5), new(5)));
        var big = Make(0, new string('x', EventLimits.MaxBatchBytes));
        _receiver.Receive(new EntryFrame(0, big));
        Assert.StartsWith("fault: protocol: sends more than its credit", _play.Give(new EntryFrame(0, big)));
    }

    [Fact]
    public void A_lane_named_twice_ends_the_session()
    {
        LaneHead head = new(Lane, default, new(5), new(5));
        Assert.Contains("fault: protocol: names", Begin(head, head));
    }

    private string Begin(params LaneHead[] lanes)
        => _play.Give(new HelloFrame(LinkLimits.ProtocolVersion, A, _store.Origin.Cluster, false), List(lanes));

    private static LanesFrame List(LaneHead[] lanes) => new(1, 0, [.. lanes.Select(l => l.Lane.Partition.Stream)],
        [.. lanes.Select(l => l.Lane.Origin)],
        [.. lanes.Select((l, i) => new ListedLane(i, l.Lane.Partition.Partition, i, l.Next, l.NextOffset))], true);

    private static LaneEntry Make(int number, string body) => new()
    {
        Number = new(number), Kind = EntryKind.Events, BaseOffset = new(number), EventCount = 1, AppendedAt = 1,
        Path = ReplicationPath.StartingAt(A), Body = System.Text.Encoding.UTF8.GetBytes(body),
    };

    private static EntryFrame Entry(int number) => Entry(number, "event " + number);

    private static EntryFrame Entry(int number, string body) => new(0, Make(number, body));

    private void Ingest(int first, int count) => Take(Lane, [.. Enumerable.Range(first, count).Select(n => Entry(n).Entry)]);

    private IngestResult Take(LaneId lane, IReadOnlyList<LaneEntry> entries)
        => _store.IngestAsync(lane, entries, default).AsTask().GetAwaiter().GetResult();
}
