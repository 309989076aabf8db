using Streams.Core;
using static Streams.Storage.Tests.Scene;

namespace Streams.Storage.Tests;

/// <summary>What may go, decided over segments that are made up.</summary>
public sealed class RetentionPlanTests
{
    private const long Hour = 3_600_000_000;
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch.AddHours(1000);
    private static readonly StreamSettings ADay = new(4) { RetentionAge = TimeSpan.FromHours(24) };

    private readonly ContainerState _state = new();
    private int _position;

    [Fact]
    public void What_a_lane_has_in_a_segment_goes_when_the_newest_of_it_is_old_enough()
    {
        LaneState lane = Lane(Of("ny"));
        Segment((lane, 3, 900));                      // entries 0 to 2, appended at hour 900
        Segment((lane, 3, 970), (lane, 2, 977));      // 3 to 7: the newest is 23 hours old
        Segment((lane, 1, 999));

        LaneTrim trim = Assert.Single(Plan(ADay).Trims);
        Assert.Equal((lane.Id, new EntryNumber(3), 312L), (trim.Lane, trim.First, trim.Bytes));
        Assert.Equal((0L, 0L), (trim.TakenFromLinks, trim.HeldEntries));
        Assert.Equal(8, Assert.Single(Plan(ADay, Now.AddHours(2)).Trims).First.Value);
    }

    [Fact]
    public void Streams_that_keep_all_cost_nothing_and_young_segments_one_look()
    {
        LaneState lane = Lane(Of("ny"));
        for (int i = 0; i < 10; i++)
        {
            Segment((lane, 100, 990));
        }

        Assert.Empty(Plan(StreamSettings.Default).Trims);
        RetentionPlan young = Plan(ADay);
        Assert.Empty(young.Trims);
        Assert.Equal(0, young.LookedAt);
    }

    [Fact]
    public void Of_a_hundred_thousand_lanes_only_segments_in_which_something_is_old_are_looked_at()
    {
        List<LaneState> lanes = [];
        for (int i = 0; i < 100_000; i++)
        {
            lanes.Add(Lane(Of("c" + i), i % 4));
        }

        foreach (int hour in (int[])[900, 980, 990, 999])
        {
            Segment([.. lanes.Select(l => (l, 1, hour))]);
        }

        RetentionPlan plan = Plan(ADay);
        Assert.Equal(100_000, plan.Trims.Count);
        Assert.Equal(100_000, plan.LookedAt);
    }

    [Fact]
    public void As_many_bytes_as_were_asked_for_stay()
    {
        LaneState lane = Lane(Of("ny"));
        for (int i = 0; i < 5; i++)
        {
            Segment((lane, 4, 999));                  // 416 bytes each
        }

        Assert.Equal(8, Assert.Single(Plan(new StreamSettings(4) { RetentionBytes = 1041 }).Trims).First.Value);
        Assert.Equal(8, Assert.Single(Plan(new StreamSettings(4) { RetentionBytes = 1248 }).Trims).First.Value);
        Assert.Equal(4, Assert.Single(Plan(new StreamSettings(4) { RetentionBytes = 1249 }).Trims).First.Value);
        Assert.Empty(Plan(new StreamSettings(4) { RetentionBytes = 2080 }).Trims);
    }

    [Fact]
    public void The_last_entry_of_an_own_lane_stays()
    {
        LaneState own = Lane(Sj(1));
        LaneState foreign = Lane(Of("ny"));
        Segment((own, 5, 100), (foreign, 5, 100));

        Dictionary<LaneId, long> first = Plan(ADay).Trims.ToDictionary(t => t.Lane, t => t.First.Value);
        Assert.Equal(4, first[own.Id]);
        Assert.Equal(5, first[foreign.Id]);

        _state.ApplySkip(own, new EntryNumber(4), new Offset(4), own.BytesBefore(4));
        _state.ApplySkip(foreign, new EntryNumber(5), new Offset(5), foreign.BytesBefore(5));
        Assert.Empty(Plan(ADay).Trims);
    }

    [Fact]
    public void Nothing_goes_from_behind_an_entry_that_stays()
    {
        LaneState lane = Lane(Of("ny"));
        Segment((lane, 1, 999));
        Segment((lane, 5, 100));                      // its origin's clock was wrong
        Segment((lane, 1, 999));
        Assert.Empty(Plan(ADay).Trims);
    }

    [Fact]
    public void A_link_holds_back_what_it_needs_until_it_is_too_late()
    {
        LaneState lane = Lane(Of("ny"));
        Segment((lane, 2, 940));
        Segment((lane, 2, 960));
        Segment((lane, 2, 970));
        Segment((lane, 2, 999));

        // Entries 0 and 1 became old 36 hours ago, 2 and 3 16 hours ago, 4 and 5 6 hours ago.
        LaneTrim held = Assert.Single(Plan(ADay, needed: 1).Trims);
        Assert.Equal((2L, 1L, 4L, 416L), (held.First.Value, held.TakenFromLinks, held.HeldEntries, held.HeldBytes));
        LaneTrim partly = Assert.Single(Plan(ADay, needed: 4).Trims);
        Assert.Equal((4L, 0L, 2L), (partly.First.Value, partly.TakenFromLinks, partly.HeldEntries));
        Assert.Equal(6, Assert.Single(Plan(ADay, needed: 6).Trims).First.Value);
    }

    [Fact]
    public void A_link_holds_back_no_more_bytes_than_declared()
    {
        LaneState lane = Lane(Of("ny"));
        for (int i = 0; i < 10; i++)
        {
            Segment((lane, 2, 970));                  // 208 bytes each
        }

        LaneTrim trim = Assert.Single(Plan(ADay, needed: 0, holdBytes: 624).Trims);
        Assert.Equal((14L, 14L, 6L, 624L), (trim.First.Value, trim.TakenFromLinks, trim.HeldEntries, trim.HeldBytes));
    }

    [Fact]
    public void The_segment_that_is_written_is_ended_before_what_is_in_it_is_much_too_old()
    {
        LaneState lane = Lane(Of("ny"));
        Segment((lane, 1, 995), (lane, 1, 999));
        Assert.False(Plan(ADay).EndSegment);
        Assert.True(Plan(ADay, Now.AddHours(2)).EndSegment);
        Assert.False(Plan(StreamSettings.Default, Now.AddHours(2)).EndSegment);
    }

    private LaneState Lane(Origin origin, int partition = 0)
    {
        LaneState lane = new(new LaneId(Part(partition), origin), _state.Lanes.NextNumber);
        _state.AddLane(lane);
        return lane;
    }

    private void Segment(params (LaneState Lane, int Entries, int Hour)[] content)
    {
        _state.Segments.Begin(_position++);
        foreach ((LaneState lane, int entries, int hour) in content)
        {
            for (int i = 0; i < entries; i++)
            {
                LaneEntry entry = new()
                {
                    Number = new EntryNumber(lane.NextEntry), Kind = EntryKind.Events, BaseOffset = new Offset(lane.NextOffset),
                    EventCount = 1, AppendedAt = hour * Hour, Path = ReplicationPath.StartingAt(lane.Id.Origin), Body = default,
                };
                EntryPlace place = new(_position++, 104 - RecordHeader.Size, 0, lane.NextOffset);
                _state.ApplyPlace(lane, entry, place, null);
            }
        }
    }

    private RetentionPlan Plan(StreamSettings settings, DateTimeOffset? now = null, long? needed = null, long holdBytes = 1 << 20)
    {
        Dictionary<StreamPath, StreamSettings> limited = [];
        if (!settings.KeepsAll)
        {
            limited.Add(Fleet, settings);
        }

        return RetentionPlan.Make(_state.Segments.Take(), Sj(1).Cluster, limited, new RetentionRules
        {
            Now = now ?? Now,
            HoldBytes = holdBytes,
            NeededFrom = _ => needed is { } from ? new EntryNumber(from) : null,
        });
    }
}
