using System.Diagnostics.Metrics;

namespace Streams.Gateways.Tests;

public sealed class MetricCollectorTests : IDisposable
{
    private readonly Meter _meter;
    private readonly MetricCollector _collector;

    public MetricCollectorTests()
    {
        _meter = new Meter(new MeterOptions("Streams.Test") { Scope = this });
        _collector = new MetricCollector(this);
    }

    public void Dispose()
    {
        _collector.Dispose();
        _meter.Dispose();
    }

    [Fact]
    public void A_counter_adds_up_for_each_set_of_labels()
    {
        Counter<long> counter = _meter.CreateCounter<long>("streams.test.bytes.sent", "By", "Bytes sent.");
        counter.Add(3, new KeyValuePair<string, object?>("peer", "ny"));
        counter.Add(4, new KeyValuePair<string, object?>("peer", "ny"));
        counter.Add(5, new KeyValuePair<string, object?>("peer", "fra"));

        string[] lines = Lines("streams_test_bytes_sent");

        Assert.Equal(
        [
            "# HELP streams_test_bytes_sent_bytes_total Bytes sent.",
            "# TYPE streams_test_bytes_sent_bytes_total counter",
            "streams_test_bytes_sent_bytes_total{peer=\"fra\"} 5",
            "streams_test_bytes_sent_bytes_total{peer=\"ny\"} 7",
        ], lines.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_histogram_is_cumulative_buckets_a_sum_and_a_count()
    {
        Histogram<double> histogram = _meter.CreateHistogram("streams.test.flush", "s", "Time of a flush.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.1, 1] });
        histogram.Record(0.1);
        histogram.Record(0.5);
        histogram.Record(2);

        Assert.Equal(
        [
            "# HELP streams_test_flush_seconds Time of a flush.",
            "# TYPE streams_test_flush_seconds histogram",
            "streams_test_flush_seconds_bucket{le=\"0.1\"} 1",
            "streams_test_flush_seconds_bucket{le=\"1\"} 2",
            "streams_test_flush_seconds_bucket{le=\"+Inf\"} 3",
            "streams_test_flush_seconds_sum 2.6",
            "streams_test_flush_seconds_count 3",
        ], Lines("streams_test_flush"));
    }

    [Fact]
    public void What_is_observed_is_shown_as_it_is_at_the_scrape()
    {
        List<Measurement<long>> now =
            [new(3, new KeyValuePair<string, object?>("a", "1")), new(4, new KeyValuePair<string, object?>("a", "2"))];
        _meter.CreateObservableGauge("streams.test.depth", () => now, "{event}", "Depth.");
        Assert.Contains("streams_test_depth{a=\"1\"} 3", Lines("streams_test_depth"));

        now = [new(9, new KeyValuePair<string, object?>("a", "2"))];

        Assert.Equal(
            ["# HELP streams_test_depth Depth.", "# TYPE streams_test_depth gauge", "streams_test_depth{a=\"2\"} 9"],
            Lines("streams_test_depth"));
    }

    [Fact]
    public void Labels_and_help_are_escaped()
    {
        _meter.CreateUpDownCounter<int>("streams.test.odd-name", null, "A \\ and\na line.")
            .Add(1, new KeyValuePair<string, object?>("na.me", "q\" b\\ n\n"));

        Assert.Equal(
        [
            "# HELP streams_test_odd_name A \\\\ and\\na line.",
            "# TYPE streams_test_odd_name gauge",
            "streams_test_odd_name{na_me=\"q\\\" b\\\\ n\\n\"} 1",
        ], Lines("streams_test_odd"));
    }

    [Fact]
    public void Too_many_label_values_are_dropped_and_counted()
    {
        Counter<long> counter = _meter.CreateCounter<long>("streams.test.many");
        for (int i = 0; i < MetricFamily.MaxSeries + 5; i++)
        {
            counter.Add(1, new KeyValuePair<string, object?>("n", i));
        }

        Assert.Equal(MetricFamily.MaxSeries + 2, Lines("streams_test_many").Length);
        Assert.Contains("streams_metrics_dropped_total 5", Lines("streams_metrics_dropped"));
    }

    [Fact]
    public void Meters_of_another_server_in_the_process_are_not_heard()
    {
        using Meter other = new(new MeterOptions("Streams.Test") { Scope = new object() });
        other.CreateCounter<long>("streams.test.foreign").Add(1);

        Assert.Empty(Lines("streams_test_foreign"));
    }

    [Fact]
    public void Counting_from_many_threads_loses_nothing()
    {
        Counter<double> counter = _meter.CreateCounter<double>("streams.test.racing");
        Parallel.For(0, 20_000, i => counter.Add(1, new KeyValuePair<string, object?>("odd", i % 2)));

        Assert.Contains("streams_test_racing_total{odd=\"0\"} 10000", Lines("streams_test_racing"));
        Assert.Contains("streams_test_racing_total{odd=\"1\"} 10000", Lines("streams_test_racing"));
    }

    private string[] Lines(string name) =>
        [.. _collector.Scrape().Split('\n').Where(l => l.Split(' ') is var words && (words[0].StartsWith(name, StringComparison.Ordinal)
            || (words.Length > 2 && words[0] == "#" && words[2].StartsWith(name, StringComparison.Ordinal))))];
}
