using System.Globalization;
using System.Text;

namespace Streams.Faults;

/// <summary>The table as text: for a document, and for the terminal.</summary>
internal static class TableText
{
    public const string Begin = "<!-- table -->";
    public const string End = "<!-- end of table -->";

    private const string Head =
        "| fault | runs | published | acknowledged | lost | duplicate | out of order | dropped by policy, told by gaps "
        + "| goes on after (median, longest) |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n";

    public static bool HasPlace(string document)
        => document.IndexOf(Begin, StringComparison.Ordinal) is var at and >= 0
            && document.IndexOf(End, StringComparison.Ordinal) > at;

    /// <summary>The document with the table in its place.</summary>
    public static string Put(string document, string table)
    {
        var begin = document.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length;
        var end = document.IndexOf(End, StringComparison.Ordinal);
        return document[..begin] + "\n" + table + document[end..];
    }

    public static string Markdown(IReadOnlyList<RowResult> rows, string title)
    {
        var text = new StringBuilder().Append(title).Append("\n\n").Append(Head);
        foreach (var row in rows)
        {
            text.Append(CultureInfo.InvariantCulture, $"| `{row.Row.Name}`: {row.Row.What} | {Cells(row)} |\n");
        }

        return text.ToString();
    }

    /// <summary>One line for the terminal.</summary>
    public static string Line(RowResult row)
    {
        var t = row.Tally;
        return row.Skipped is { } why
            ? $"{row.Row.Name,-34} skipped: {why}"
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{row.Row.Name,-34}{row.Runs,5}{t.Published,10:N0}{t.Acknowledged,10:N0}{t.Lost,6}{t.Duplicate,6}"
                + $"{t.Again,6}{t.OutOfOrder,6}{t.Dropped,8:N0}{t.ToldByGaps,8:N0}  {Times(row)}{(row.IsBad ? "  BAD" : "")}");
    }

    public static string TerminalHead { get; } =
        $"{"",-34}{"runs",5}{"published",10}{"acked",10}{"lost",6}{"dup",6}{"again",6}{"ooo",6}{"dropped",8}{"told",8}  goes on";

    private static string Cells(RowResult row)
    {
        if (row.Skipped is not null)
        {
            return "not run | | | | | | |";
        }

        var t = row.Tally;
        var again = t.Again == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" ({t.Again:N0} again)");
        var dropped = t.Dropped == 0 && t.ToldByGaps == 0
            ? "–"
            : string.Create(CultureInfo.InvariantCulture, $"{t.Dropped:N0}, {t.ToldByGaps:N0}");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{row.Runs} | {t.Published:N0} | {t.Acknowledged:N0} | {t.Lost} | {t.Duplicate}{again} | "
            + $"{t.OutOfOrder} | {dropped} | {Times(row)}");
    }

    private static string Times(RowResult row)
    {
        if (row.GoneOnAfter.Count == 0)
        {
            return "–";
        }

        var sorted = row.GoneOnAfter.Order().ToList();
        return string.Create(
            CultureInfo.InvariantCulture, $"{sorted[sorted.Count / 2].TotalSeconds:0.00} s, {sorted[^1].TotalSeconds:0.00} s");
    }
}
