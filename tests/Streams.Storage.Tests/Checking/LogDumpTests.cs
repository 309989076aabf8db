namespace Streams.Storage.Tests;

/// <summary>The dump shows every record once, in order, and goes on behind damage.</summary>
public sealed class LogDumpTests
{
    [Fact]
    public async Task Every_record_is_shown_with_its_lane_and_what_it_says()
    {
        using FilledFolder filled = await FilledFolder.MakeAsync();

        DumpedRecord[] all = [.. LogDump.Read(filled.Folder, new DumpFilter())];

        Assert.Equal(StoreVerifier.Verify(filled.Folder).Files.Where(f => f.Name.EndsWith(".seg", StringComparison.Ordinal))
            .Sum(f => f.Records), all.Length);
        Assert.Equal(all.OrderBy(r => r.Position), all);
        Assert.Equal(["cursors", "declared", "events", "joined", "opened", "origin", "registers", "sealed", "skip", "topics"],
            all.Select(r => r.Kind).Distinct().Order(StringComparer.Ordinal));
        Assert.DoesNotContain(all, r => r.Fields.Any(f => f.Key == "fault"));
        Assert.All(all, r => Assert.Equal(r.Kind is "joined" or "origin", r.Lane.Length == 0));
        DumpedRecord events = all.First(r => r.Kind == "events" && r.Lane == "/fleet#0@ny.0000000000000001");
        Assert.Equal(3L, Field(events, "entry"));
        Assert.Equal(17L, Field(events, "offset"));
        Assert.Equal(6L, Field(events, "events"));
        Assert.Equal(1L, Field(events, "sequence"));
        Assert.Equal("0000000000000007", Field(events, "epoch"));
        Assert.Contains("t1", (string[])Field(events, "topics"));
        Assert.Equal("ny.0000000000000001", ((string[])Field(events, "path"))[0]);
        Assert.Contains("shop generation 0 at sj.0000000000000001:3", all.Where(r => r.Kind == "cursors")
            .SelectMany(r => (string[])Field(r, "cursors")));
        Assert.Contains("shop generation 0 at ldn.0000000000000001:15", all.Where(r => r.Kind == "joined").Select(r => Field(r, "cursor")));
    }

    [Fact]
    public async Task A_segment_a_lane_and_a_position_choose_among_the_records()
    {
        using FilledFolder filled = await FilledFolder.MakeAsync();
        DumpedRecord[] all = [.. LogDump.Read(filled.Folder, new DumpFilter())];
        string name = Path.GetFileName(filled.Segments[2]);
        long middle = all[all.Length / 2].Position;

        Assert.Equal(all.Where(r => r.Segment == name).Select(r => r.Position), Positions(new DumpFilter(Segment: name)));
        Assert.Equal(all.Where(r => r.Lane.Contains("@ny.", StringComparison.Ordinal)).Select(r => r.Position),
            Positions(new DumpFilter(Lane: "@ny.")));
        Assert.Equal(all.Where(r => r.Position >= middle).Select(r => r.Position), Positions(new DumpFilter(From: middle)));
        Assert.Equal(all.Where(r => r.Position >= middle).Select(r => r.Lane),
            LogDump.Read(filled.Folder, new DumpFilter(From: middle)).Select(r => r.Lane));

        IEnumerable<long> Positions(DumpFilter filter) => LogDump.Read(filled.Folder, filter).Select(r => r.Position);
    }

    [Fact]
    public async Task Damage_is_shown_and_stepped_over()
    {
        using FilledFolder filled = await FilledFolder.MakeAsync();
        DumpedRecord[] before = [.. LogDump.Read(filled.Folder, new DumpFilter())];
        FilledFolder.Flip(filled.Segments[1], 3000);

        DumpedRecord[] after = [.. LogDump.Read(filled.Folder, new DumpFilter(Lane: "none of them"))];
        DumpedRecord damage = Assert.Single(after);

        Assert.Equal("damaged", damage.Kind);
        Assert.Equal("a record is damaged", Field(damage, "reason"));
        DumpedRecord[] rest = [.. LogDump.Read(filled.Folder, new DumpFilter()).Where(r => r.Kind != "damaged")];
        Assert.Equal(before.Where(r => r.Position != damage.Position).Select(r => r.Position), rest.Select(r => r.Position));
    }

    private static object Field(DumpedRecord record, string name) => record.Fields.Single(f => f.Key == name).Value;
}
