using System.Globalization;

namespace Streams.Simulation;

/// <summary>The reconnect storm by hand: plays it with and without hints, prints what was seen, and judges it.</summary>
internal static class StormProgram
{
    /// <summary>The peak with hints may be one in so many of the peak without.</summary>
    public const int MustFallTo = 10;

    /// <summary>In which time all devices must be served when hints are on.</summary>
    public static readonly TimeSpan MustBeServedWithin = TimeSpan.FromMinutes(2);

    private const int Bars = 60;
    private const int BarWidth = 60;

    /// <summary>Plays; 0 only when the bounds hold, of those that the runs asked for can show.</summary>
    public static int Run(StormOptions options, TextWriter output)
    {
        Line(output, $"reconnect storm: {options.Devices} devices, {options.Clusters} clusters, seed {options.Seed};"
            + $" c0 serves all, is lost at {StormWorld.LostAt.TotalSeconds:0} s and back at {StormWorld.BackAt.TotalSeconds:0} s");
        StormFigures? without = options.Hints == StormHints.On ? null : new StormWorld(options, hints: false).Run();
        StormFigures? with = options.Hints == StormHints.Off ? null : new StormWorld(options, hints: true).Run();
        Table(output, without, with);
        if (without is not null)
        {
            Histogram(output, "without hints", without.BySecond);
        }

        if (with is not null)
        {
            Histogram(output, "with hints", with.BySecond);
        }

        return Judge(options, output, without, with) ? 0 : 1;
    }

    /// <summary>Whether the peak fell as it must: at the living clusters, where attempts do harm, and at the lost one as well.</summary>
    public static bool PeakFalls(StormFigures without, StormFigures with) =>
        (long)with.Peak * MustFallTo <= without.Peak && (long)with.PeakAtLost * MustFallTo <= without.PeakAtLost;

    /// <summary>Whether all were served in time.</summary>
    public static bool AllServed(StormOptions options, StormFigures figures) =>
        figures.Served == options.Devices && figures.Longest <= MustBeServedWithin;

    private static bool Judge(StormOptions options, TextWriter output, StormFigures? without, StormFigures? with)
    {
        bool holds = true;
        if (without is not null && with is not null)
        {
            bool falls = PeakFalls(without, with);
            Line(output, $"peak at any one living cluster {with.Peak} of {without.Peak}, at the lost one {with.PeakAtLost} of"
                + $" {without.PeakAtLost}: must be a tenth at most: {(falls ? "holds" : "FAILS")}");
            holds &= falls;
        }

        if (with is not null)
        {
            bool served = AllServed(options, with);
            Line(output, $"{with.Served} of {options.Devices} served after {with.Longest.TotalSeconds:0.0} s with hints:"
                + $" must be all within {MustBeServedWithin.TotalSeconds:0} s: {(served ? "holds" : "FAILS")}");
            holds &= served;
        }

        return holds;
    }

    private static void Table(TextWriter output, StormFigures? without, StormFigures? with)
    {
        Line(output, $"{"",-46}{"without hints",15}{"with hints",15}");
        Row("most attempts a second at one living cluster", static f => $"{f.Peak}");
        Row("most attempts a second at the lost one", static f => $"{f.PeakAtLost}");
        Row("attempts until it is back", static f => $"{f.Attempts}");
        Row("answered 'busy'", static f => $"{f.Refused}");
        Row("not answered in time", static f => $"{f.Unanswered}");
        Row("devices served again", static f => $"{f.Served}");
        Row("half of them after", static f => Seconds(f.P50));
        Row("99 of 100 after", static f => Seconds(f.P99));
        Row("the last after", static f => Seconds(f.Longest));
        Row("going back: most attempts a second", static f => $"{f.PeakBack}");
        Row("going back: devices back", static f => $"{f.Home}");
        Row("going back: done, or given up on, after", static f => Seconds(f.HomeAfter));

        void Row(string what, Func<StormFigures, string> of) => Line(output,
            $"{what,-46}{(without is null ? "-" : of(without)),15}{(with is null ? "-" : of(with)),15}");
    }

    private static void Histogram(TextWriter output, string title, IReadOnlyList<int> bySecond)
    {
        int most = Math.Max(1, bySecond.DefaultIfEmpty().Max());
        Line(output, $"attempts in each second after the loss at the busiest cluster, {title} (# is {Math.Max(1, most / BarWidth)}):");
        for (int i = 0; i < Math.Min(Bars, bySecond.Count); i++)
        {
            if (bySecond[i] > 0)
            {
                Line(output, $"{i,4} s {bySecond[i],7} {new string('#', (int)((long)bySecond[i] * BarWidth / most))}");
            }
        }
    }

    private static string Seconds(TimeSpan time) => time == TimeSpan.MaxValue ? "never"
        : string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.0} s");

    private static void Line(TextWriter output, FormattableString line) =>
        output.WriteLine(line.ToString(CultureInfo.InvariantCulture).TrimEnd());

    private static void Line(TextWriter output, string line) => output.WriteLine(line.TrimEnd());
}
