using System.Buffers;
using System.IO.Compression;
using System.Text;
using FieldTrial;
using FleetFailover;

namespace Streams.EndToEnd.Tests;

public sealed class ReplayFileTests
{
    [Fact]
    public void Rows_are_sorted_by_instant_and_not_by_text()
    {
        ReplayFile file = Parse("""
            vehicle_id,timestamp,speed
            7,2016-11-24T01:00:00-06:00,3
            8,2016-11-24T03:00:00+01:00,1
            7,2016-11-24T02:30:00Z,2
            """);
        Assert.Equal(["8", "7"], file.Vehicles);
        Assert.Equal(["1", "2", "3"], file.Rows.Select(row => Text(file, row)[^1..]));
    }

    [Fact]
    public void Rows_of_the_same_instant_keep_their_order()
    {
        StringBuilder text = new("id,time,n\n");
        for (int i = 0; i < 500; i++)
        {
            text.Append($"a,2020-01-01T00:00:00Z,{i}\n");
        }

        ReplayFile file = Parse(text.ToString());
        Assert.Equal(Enumerable.Range(0, 500), file.Rows.Select(row => int.Parse(Text(file, row).Split(',')[2])));
    }

    [Theory]
    [InlineData("vehicle_id,timestamp,trip_id", "1,2020-01-01T00:00:00Z,9", "1")]
    [InlineData("trip_id,timestamp_local", "9,2017-07-05T07:16:30.444", "9")]
    [InlineData("device_id,metric,timestamp,value", "d,m,2013-12-02T21:15:00,7", "d")]
    [InlineData("Time,ID", "1577836800,x", "x")]
    public void The_columns_are_guessed_from_the_header(string header, string row, string vehicle) =>
        Assert.Equal([vehicle], Parse($"{header}\n{row}\n").Vehicles);

    [Fact]
    public void The_columns_can_be_named()
    {
        ReplayFile file = ReplayFile.Parse("f", Encoding.UTF8.GetBytes("id,timestamp,bus,at\nx,never,b,5\n"), "bus", "at");
        Assert.Equal(["b"], file.Vehicles);
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(5).UtcTicks, file.Rows[0].UtcTicks);
    }

    [Theory]
    [InlineData("a,b\n1,2\n", "--replay-id: none of the columns of f is known to hold it (a, b)")]
    [InlineData("id,b\n1,2\n", "--replay-time: none of the columns of f is known to hold it (id, b)")]
    [InlineData("id,time\n", "--replay f: has no records")]
    [InlineData("id,time\n1,noon\n", "--replay f: record 2, column time: 'noon' is no time")]
    [InlineData("id,time\n1,5\n1,5,6\n", "--replay f: record 3 has 3 fields, the header 2")]
    public void What_cannot_be_replayed_is_refused_in_one_line(string text, string fault) =>
        Assert.Equal(fault, Assert.Throws<ReplayFaultException>(() => Parse(text)).Message);

    [Fact]
    public void Quotes_commas_and_line_ends_within_fields_are_understood()
    {
        ReplayFile file = Parse("id,time,note\r\na,5,\"one, \"\"two\"\"\r\nthree\"\r\nb,6,plain\r\n");
        Assert.Equal("""{"id":"a","time":5,"note":"one, \u0022two\u0022\r\nthree"}""", Json(file, 0));
        Assert.Equal("""{"id":"b","time":6,"note":"plain"}""", Json(file, 1));
    }

    [Fact]
    public void Numbers_stay_numbers_blanks_are_null_and_all_else_is_text() =>
        Assert.Equal(
            """{"id":"007","time":5,"a":-1.50,"b":null,"c":"1.","d":"0x1","e":1e5,"f":"-","g":"1 2"}""",
            Json(Parse("id,time,a,b,c,d,e,f,g\n007,5,-1.50,,1.,0x1,1e5,-,1 2\n"), 0));

    [Fact]
    public void Vehicles_get_names_fit_for_topics_and_stay_apart()
    {
        ReplayFile file = Parse("id,time\nbus/1,1\nbus#1,2\nbus/1,3\n,4\n");
        Assert.Equal(["bus_1", "bus_1-2", "unnamed"], file.Vehicles);
        Assert.Equal([0, 1, 0, 2], file.Rows.Select(row => row.Vehicle));
    }

    [Fact]
    public void Only_the_first_vehicles_are_kept_when_asked_for()
    {
        ReplayFile file = ReplayFile.Parse("f", Encoding.UTF8.GetBytes("id,time\nc,3\na,1\nb,2\na,4\n"), maxVehicles: 2);
        Assert.Equal(["a", "b"], file.Vehicles);
        Assert.Equal(["a,1", "b,2", "a,4"], file.Rows.Select(row => Text(file, row)));
    }

    [Fact]
    public void A_packed_file_is_unpacked()
    {
        string path = Path.GetTempFileName();
        try
        {
            using (GZipStream packed = new(File.Create(path), CompressionLevel.Fastest))
            {
                packed.Write("id,time\na,1\n"u8);
            }

            Assert.Equal(["a"], ReplayFile.Load(path).Vehicles);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory]
    [InlineData("1480000000")]
    [InlineData("1480000000000")]
    [InlineData("1480000000000000")]
    [InlineData("2016-11-24T15:06:40Z")]
    [InlineData("2016-11-24 15:06:40")]
    [InlineData("2016-11-24T09:06:40-06:00")]
    public void The_usual_forms_of_time_give_the_same_instant(string text)
    {
        Assert.True(ReplayTime.TryRead(Encoding.UTF8.GetBytes(text), out DateTimeOffset time));
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(1_480_000_000), time);
    }

    private static ReplayFile Parse(string text) => ReplayFile.Parse("f", Encoding.UTF8.GetBytes(text));

    private static string Text(ReplayFile file, ReplayRow row) => Encoding.UTF8.GetString(file.Record(row).Span);

    private static string Json(ReplayFile file, int row)
    {
        ArrayBufferWriter<byte> output = new();
        new RowJson(file.Columns).Write(file.Record(file.Rows[row]), output);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }
}
