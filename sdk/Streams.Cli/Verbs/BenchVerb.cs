using System.CommandLine;
using System.Globalization;
using Streams.Client;
using Streams.Core;

namespace Streams.Cli;

/// <summary>Percentiles of durations, in milliseconds.</summary>
internal sealed record LatencyAnswer(double P50, double P90, double P99, double P999, double Max)
{
    /// <summary>The percentiles of what was counted.</summary>
    public static LatencyAnswer Of(LatencyCounts counts) => new(Milliseconds(counts, 50), Milliseconds(counts, 90),
        Milliseconds(counts, 99), Milliseconds(counts, 99.9), counts.Most.TotalMilliseconds);

    private static double Milliseconds(LatencyCounts counts, double percent) => counts.Percentile(percent).TotalMilliseconds;
}

/// <summary>Answer of <c>bench --json</c>.</summary>
internal sealed record BenchAnswer(long Published, long Stored, long Refused, long Consumed, int PayloadBytes, double Seconds,
    double PublishedPerSecond, double StoredPerSecond, LatencyAnswer OnDevice, LatencyAnswer InCluster, LatencyAnswer? EndToEnd);

/// <summary><c>bench</c>: publishes at a rate and consumes, and measures how long things take.</summary>
internal sealed class BenchVerb
{
    private const int MostUnderWay = 100_000;

    private readonly Argument<StreamPath> _stream = Reading.Argument<StreamPath>("STREAM",
        "The stream; its events stay there", StreamPath.TryParse);

    private readonly Option<int> _count = Reading.Option("--count", "NUMBER", "Events", Reading.Count, static () => 10_000);
    private readonly Option<double> _rate = Reading.Option<double>("--rate", "NUMBER", "Events per second; else as fast as it goes",
        Reading.Rate);
    private readonly Option<int> _size = Reading.Option("--size", "BYTES", "Bytes of a payload", Reading.Count, static () => 200);
    private readonly Option<int> _topics = Reading.Option("--topics", "NUMBER", "Topics they go to", Reading.Count, static () => 10);
    private readonly Option<int> _publishers = Reading.Option("--publishers", "NUMBER", "Calls of publish at once", Reading.Count,
        static () => 64);

    private readonly Option<bool> _consume = new("--consume") { Description = "Consume them too, and measure from end to end" };
    private readonly CliContext _context;
    private readonly ClusterOptions _clusters;

    private BenchVerb(CliContext context, Command command)
    {
        _context = context;
        command.Arguments.Add(_stream);
        foreach (Option option in new Option[] { _count, _rate, _size, _topics, _publishers, _consume })
        {
            command.Options.Add(option);
        }

        _clusters = new ClusterOptions(context, command);
        command.SetAction(RunAsync);
    }

    /// <summary>Makes the command.</summary>
    public static Command Create(CliContext context)
    {
        Command command = new("bench", "Publishes at a rate, consumes, and tells how long it took");
        _ = new BenchVerb(context, command);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        TimeSpan limit = _clusters.Timeout(parsed);
        await using OpenClient open = await _clusters.OpenAsync(parsed, cancellationToken: cancellationToken);
        await open.ConnectedAsync(limit, cancellationToken);
        BenchRun run = new(_context, open, new BenchPlan(parsed.GetRequiredValue(_stream), parsed.GetValue(_count),
            parsed.GetResult(_rate) is null ? null : parsed.GetValue(_rate), Math.Min(parsed.GetValue(_size), EventLimits.MaxPayloadBytes),
            parsed.GetValue(_topics), parsed.GetValue(_publishers), parsed.GetValue(_consume), limit, MostUnderWay));
        BenchAnswer answer = await run.RunAsync(cancellationToken);
        _context.Answer(parsed, answer, CliJson.Default.BenchAnswer, a => Write(a));
        return (int)(answer.Refused > 0 ? ExitCode.Findings : ExitCode.Done);
    }

    private void Write(BenchAnswer a)
    {
        string head = string.Create(CultureInfo.InvariantCulture,
            $"{a.Published} events of {a.PayloadBytes} bytes in {a.Seconds:0.00} s: published {a.PublishedPerSecond:0} per second,");
        _context.Line(string.Create(CultureInfo.InvariantCulture, $"{head} stored {a.StoredPerSecond:0} per second")
            + (a.Refused > 0 ? $", refused {a.Refused}" : string.Empty));
        _context.Line("milliseconds         p50       p90       p99     p99.9       max");
        Row("on this device", a.OnDevice);
        Row("in the cluster", a.InCluster);
        if (a.EndToEnd is { } end)
        {
            Row("at the consumer", end);
        }
    }

    private void Row(string name, LatencyAnswer l)
    {
        string row = string.Create(CultureInfo.InvariantCulture,
            $"{name,-15}{l.P50,9:0.00} {l.P90,9:0.00} {l.P99,9:0.00} {l.P999,9:0.00} {l.Max,9:0.00}");
        _context.Line(row);
    }
}
