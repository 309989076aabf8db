using Streams.Core;

namespace Streams.Geo.Tests;

public sealed class LinkSenderTests
{
    private readonly MemoryLaneStore _store;
    private readonly LinkSender _sender;
    private readonly Transcript _play;
    private ulong _clock = 100;

    public LinkSenderTests()
    {
        _store = new MemoryLaneStore("a", () => ++_clock);
        _sender = new LinkSender(new LinkSenderSettings(Transcript.B), _store, new ReachSet([_store.Origin.Cluster]));
        _play = new Transcript(_sender, _store);
    }

    [Fact]
    public void A_link_begins_where_the_receiver_wants_it()
    {
        Write(4);
        Assert.Equal("Hello", _play.Drain());
        Assert.Equal("Lanes [5]., Reach", _play.Give(Welcome()));
        Assert.Equal("Heads [], State, StateEnd, Entry 0:3, Entry 0:4", _play.Give(new HoldsFrame([], true), Feed(3)));
        Write(1);
        Assert.Equal("Heads [0:6], Entry 0:5", _play.Drain());
        Assert.False(_sender.IsLevel);
        Assert.Equal("", _play.Give(new AckFrame(0, 1, [new LaneMark(0, new(6), new(9))])));
        Assert.False(_sender.IsLevel); // that was before the last heads
        Assert.Equal("", _play.Give(new AckFrame(0, 2, [])));
        Assert.True(_sender.IsLevel);
    }

    [Fact]
    public void What_is_not_flushed_is_not_sent()
    {
        Begin();
        _store.Append(0, "unflushed");
        _sender.Refresh();
        Assert.Equal("", _play.Drain());
        Write(0);
        Assert.Equal("Lanes [2]., Heads []", _play.Drain());
        Assert.Equal("Entry 0:0, Entry 0:1", _play.Give(Feed(0)));
    }

    [Fact]
    public void An_entry_that_has_passed_the_receiver_is_not_offered_unless_it_was_held_at_the_start()
    {
        var lane = Foreign(0, 2);
        Begin(0);
        Assert.Equal(2, _sender.EntriesSent); // held at link start: asked for (rule R13)
        Foreign(2, 2);
        _sender.Refresh();
        Assert.Equal("Heads [0:4]", _play.Drain());
        Assert.Equal(2, _sender.EntriesOnPath);
        Assert.Equal(4, _store.Lane(lane)!.Value.NextEntry.Value);
        Assert.Equal("", _play.Give(new AckFrame(0, 2, [new LaneMark(0, new(2), new(2))])));
        Assert.True(_sender.IsLevel);
    }

    [Fact]
    public void What_the_receiver_asks_for_it_gets_though_its_name_is_on_the_path()
    {
        Foreign(0, 1);
        Begin(1);
        Foreign(1, 3);
        _sender.Refresh();
        _play.Drain();
        Assert.Equal("Entry 0:1, Entry 0:2", _play.Give(new AskFrame(0, new(1), new(3))));
    }

    [Fact]
    public void What_is_held_when_a_lane_is_asked_for_goes_out_path_or_not_whenever_that_is()
    {
        Foreign(0, 1);
        Begin(1);
        _play.Give(new FeedFrame([new LaneFeed(0, false, default, default)]));
        Foreign(1, 3);
        Assert.Equal("Entry 0:1, Entry 0:2, Entry 0:3, Heads [0:4]", Sorted(_play.Give(Feed(1))));
        Foreign(4, 1);
        _sender.Refresh();
        Assert.Equal("Heads [0:5]", _play.Drain()); // came later, by way of the receiver (rule R12)
    }

    [Fact]
    public void A_lane_on_standby_is_announced_and_not_sent_and_does_not_count_as_lag()
    {
        Write(9);
        _store.Trim(Own(), 6);
        Assert.DoesNotContain("Entry", Begin());
        Write(1);
        Assert.Equal("Heads [0:11]", _play.Drain()); // and no gap is told of
        Assert.Equal(0, _sender.LagEvents);
        Assert.StartsWith("Entry 0:7", _play.Give(Feed(7)));
        Assert.Equal("", _play.Give(new FeedFrame([new LaneFeed(0, false, default, default)]), new AckFrame(0, 2, [])));
        Assert.True(_sender.IsLevel); // another link has it now; what was under way here is not waited for
        Write(1);
        Assert.Equal("Heads [0:12]", _play.Drain());
    }

    [Fact]
    public void State_goes_before_a_gap()
    {
        Write(9);
        _store.Trim(Own(), 6);
        Assert.Equal("Lanes [10]., Reach, Heads [], State, StateEnd, StateEnd, Skip 0:6, "
            + "Entry 0:6, Entry 0:7, Entry 0:8, Entry 0:9", Begin(0));
    }

    [Fact]
    public void Of_the_state_only_what_changed_goes_before_a_later_gap()
    {
        Write(3);
        Begin();
        _store.AppendFlushed(0, "x=1", EntryKind.Registers);
        _store.Trim(Own(), 4);
        _sender.Refresh();
        _play.Drain();
        _play.Give(new AckFrame(0, 2, []));
        _sender.Receive(Feed(0));
        List<StateItem> items = [];
        while (_sender.TryNext(out var action))
        {
            if (action is ReadState read)
            {
                items.AddRange(_store.State(read.Since, out var revision));
                _sender.OnState(read, [.. items], true, revision);
            }
            else if (action is ReadLane lane)
            {
                _sender.OnRead(lane, [], []);
            }
        }

        Assert.Equal("x=1", System.Text.Encoding.UTF8.GetString(Assert.Single(items).Body.Span));
    }

    [Fact]
    public void Nothing_is_sent_beyond_the_credit()
    {
        Write(50);
        var text = Begin([0], 1);
        Assert.DoesNotContain("Entry", text);
        Assert.StartsWith("Entry 0:0", _play.Give(new AckFrame(2000, 0, [])));
        Assert.InRange(_sender.EntriesSent, 1, 20);
        Assert.Equal("", _play.Drain());
    }

    [Fact]
    public void Lanes_have_their_turns()
    {
        for (var i = 0; i < 20; i++)
        {
            _store.Append(0, "long", bytes: 60_000);
            _store.Append(1, "long", bytes: 60_000);
        }

        _store.Flush();
        var text = Begin([0, 0], 100_000_000);
        Assert.InRange(text.IndexOf("Entry 1:0", StringComparison.Ordinal), 0, text.IndexOf("Entry 0:12", StringComparison.Ordinal));
    }

    [Fact]
    public void What_the_receiver_has_from_elsewhere_is_not_sent_again()
    {
        Begin();
        Write(9);
        _play.Drain();
        _play.Give(Feed(0));
        Write(5);
        Assert.Equal("Heads [0:15], Entry 0:14", _play.Give(new AckFrame(0, 0, [new LaneMark(0, new(14), new(20))])));
    }

    [Fact]
    public void A_receiver_that_holds_more_of_the_own_lane_makes_this_cluster_open_a_new_incarnation()
    {
        Write(3);
        _play.Drain();
        _play.Give(Welcome());
        var text = _play.Give(new HoldsFrame([new LaneHead(Own(), default, new(9), new(9))], true));
        Assert.StartsWith("open, end: this cluster opens", text);
        Assert.Equal("", _play.Drain());
    }

    [Fact]
    public void Entries_of_an_earlier_incarnation_are_fetched_slice_by_slice()
    {
        Write(1);
        _play.Drain();
        _play.Give(Welcome());
        var old = new Origin(_store.Origin.Cluster, new Incarnation(3));
        var lane = new LaneId(MemoryLaneStore.Partition(0), old);
        Assert.Contains("Fetch 0", _play.Give(new HoldsFrame([new LaneHead(lane, default, new(3), new(3))], true)));
        Assert.Equal("ingest 0-1: Taken, Lanes [2]., Heads [], Fetch 2",
            Refreshed(_play.Give(Entry(old, 0), Entry(old, 1), new FetchEndFrame(default, default))));
        Assert.Equal("ingest 2-2: Taken, Heads [1:3]", Refreshed(_play.Give(Entry(old, 2), new FetchEndFrame(default,
            default))));
    }

    [Theory]
    [InlineData(nameof(FrameType.Ack))]
    [InlineData(nameof(FrameType.Ask))]
    [InlineData(nameof(FrameType.Heads))]
    [InlineData(nameof(FrameType.FetchEnd))]
    public void What_is_not_expected_ends_the_session(string type)
    {
        Begin();
        Assert.StartsWith("fault: protocol", _play.Give(type switch
        {
            nameof(FrameType.Ack) => new AckFrame(0, 0, [new LaneMark(9, default, default)]),
            nameof(FrameType.Ask) => new AskFrame(9, default, default),
            nameof(FrameType.Heads) => new HeadsFrame(1, []),
            _ => new FetchEndFrame(default, default),
        }));
        Assert.Equal("", _play.Give(new PingFrame()));
    }

    private static WelcomeFrame Welcome(long credit = 1 << 20) => new(Transcript.Receiver, credit, default);

    private static FeedFrame Feed(params int[] next) => new([.. next.Select((n, i) => new LaneFeed(i, true, new(n), new(n)))]);

    private static string Sorted(string text) => string.Join(", ", text.Split(", ").Order(StringComparer.Ordinal));

    private static FetchEntryFrame Entry(Origin origin, int number) => new(new LaneEntry
    {
        Number = new(number), Kind = EntryKind.Events, BaseOffset = new(number), EventCount = 1, AppendedAt = 1,
        Path = ReplicationPath.StartingAt(origin), Body = "old"u8.ToArray(),
    });

    private string Refreshed(string text)
    {
        _sender.Refresh();
        var more = _play.Drain();
        return more.Length == 0 ? text : Order(text + ", " + more);
    }

    /// <summary>The next fetch may be asked for before or after the lane is looked at.</summary>
    private static string Order(string text) =>
        text.Contains("Fetch 2, Lanes") ? text.Replace("Fetch 2, Lanes [2]., Heads []", "Lanes [2]., Heads [], Fetch 2") : text;

    private LaneId Own() => new(MemoryLaneStore.Partition(0), _store.Origin);

    private string Begin(params int[] wants) => Begin(wants, 1 << 20);

    private string Begin(int[] wants, int credit)
    {
        _play.Drain();
        return _play.Give(Welcome(credit)) + ", " + _play.Give(new HoldsFrame([], true), Feed(wants));
    }

    private void Write(int count)
    {
        for (var i = 0; i < count; i++)
        {
            _store.Append(0, "event");
        }

        _store.Flush();
        _sender.Refresh();
    }

    /// <summary>Entries that came from c by way of the receiver.</summary>
    private LaneId Foreign(int first, int count)
    {
        var c = new Origin(ClusterName.Parse("c"), new Incarnation(5));
        var lane = new LaneId(MemoryLaneStore.Partition(0), c);
        for (var n = first; n < first + count; n++)
        {
            _store.IngestAsync(lane, [Entry(c, n).Entry.PassedTo(Transcript.Receiver)], default).AsTask().Wait();
        }

        return lane;
    }
}
