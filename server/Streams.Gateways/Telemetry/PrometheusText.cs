using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace Streams.Gateways;

/// <summary>The text format of Prometheus, version 0.0.4.</summary>
internal static class PrometheusText
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>The metric's name: the instrument's, its unit and, for a counter, <c>_total</c>.</summary>
    public static string Name(Instrument instrument, MetricType type)
    {
        string name = Word(instrument.Name, mayHoldColon: true);
        string unit = instrument.Unit switch
        {
            null or "" or "1" => string.Empty,
            "s" => "seconds",
            "ms" => "milliseconds",
            "By" => "bytes",
            { } annotated when annotated.StartsWith('{') => string.Empty,
            { } other => Word(other, mayHoldColon: false),
        };
        if (unit.Length > 0 && !name.EndsWith("_" + unit, StringComparison.Ordinal))
        {
            name = $"{name}_{unit}";
        }

        return type == MetricType.Counter && !name.EndsWith("_total", StringComparison.Ordinal) ? name + "_total" : name;
    }

    /// <summary>All families, each name once, in order.</summary>
    public static string Write(IReadOnlyList<MetricFamily> families)
    {
        StringBuilder text = new();
        long dropped = families.Sum(f => f.Dropped);
        foreach (IGrouping<string, MetricFamily> named in families.GroupBy(f => f.Name).OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            MetricFamily first = named.First();
            Head(text, first.Name, first.Help, first.Type);

            // Two meters may use one name; then their series stand together, provided they are of one type.
            foreach (MetricFamily family in named.Where(f => f.Type == first.Type))
            {
                WriteSeries(text, family);
            }
        }

        Head(text, "streams_metrics_dropped_total",
            "Measurements dropped because an instrument has too many label values.", MetricType.Counter);
        text.Append("streams_metrics_dropped_total ").Append(dropped).Append('\n');
        return text.ToString();
    }

    private static void Head(StringBuilder text, string name, string help, MetricType type)
    {
        text.Append("# HELP ").Append(name).Append(' ')
            .Append(help.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal)).Append('\n');
        string word = type switch
        {
            MetricType.Counter => "counter",
            MetricType.Histogram => "histogram",
            _ => "gauge",
        };
        text.Append("# TYPE ").Append(name).Append(' ').Append(word).Append('\n');
    }

    private static void WriteSeries(StringBuilder text, MetricFamily family)
    {
        foreach (MetricSeries series in family.Series.Where(s => !family.IsObserved || s.WasSeen))
        {
            string labels = Labels(series.Tags);
            if (family.Type == MetricType.Histogram)
            {
                WriteHistogram(text, family, series, labels);
            }
            else
            {
                Line(text, family.Name, labels, Number(series.Value));
            }
        }
    }

    private static void WriteHistogram(StringBuilder text, MetricFamily family, MetricSeries series, string labels)
    {
        long[] buckets = series.Buckets();
        string comma = labels.Length > 0 ? "," : string.Empty;
        long total = 0;
        for (int i = 0; i < buckets.Length; i++)
        {
            total += buckets[i];
            string bound = i < family.Bounds!.Length ? Number(family.Bounds[i]) : "+Inf";
            Line(text, family.Name + "_bucket", $"{labels}{comma}le=\"{bound}\"", total.ToString(CultureInfo.InvariantCulture));
        }

        Line(text, family.Name + "_sum", labels, Number(series.Value));
        Line(text, family.Name + "_count", labels, total.ToString(CultureInfo.InvariantCulture));
    }

    private static void Line(StringBuilder text, string name, string labels, string value)
    {
        text.Append(name);
        if (labels.Length > 0)
        {
            text.Append('{').Append(labels).Append('}');
        }

        text.Append(' ').Append(value).Append('\n');
    }

    private static string Labels(KeyValuePair<string, object?>[] tags) =>
        string.Join(',', tags.Select(tag => $"{Word(tag.Key, mayHoldColon: false)}=\"{Escape(tag.Value)}\""));

    private static string Escape(object? value)
    {
        string text = Convert.ToString(value, CultureInfo.InvariantCulture) ?? string.Empty;
        return text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)
            .Replace("\n", "\\n", StringComparison.Ordinal);
    }

    private static string Number(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        double.NaN => "NaN",
        _ => value.ToString("R", CultureInfo.InvariantCulture),
    };

    private static string Word(string text, bool mayHoldColon)
    {
        StringBuilder word = new(text.Length);
        foreach (char c in text)
        {
            bool plain = char.IsAsciiLetter(c) || c == '_' || (c == ':' && mayHoldColon) || (char.IsAsciiDigit(c) && word.Length > 0);
            word.Append(plain ? c : '_');
        }

        return word.Length == 0 ? "_" : word.ToString();
    }
}
