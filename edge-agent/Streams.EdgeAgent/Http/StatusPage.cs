using System.Globalization;
using System.Net;
using System.Text;

namespace Streams.EdgeAgent;

/// <summary>The page that people look at: one document, nothing is fetched for it.</summary>
internal static class StatusPage
{
    private const string Head = """
        <!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="10">
        <meta name="viewport" content="width=device-width,initial-scale=1"><title>
        """;

    private const string Style = """
        </title><style>
        body{font:15px/1.45 system-ui,sans-serif;margin:2em auto;max-width:600px;padding:0 1em;color:#1b2733;background:#fff}
        h1{font-size:1.35em;margin:0 0 .2em}h2{font-size:1em;margin:1.6em 0 .3em}
        table{border-collapse:collapse;width:100%}td{padding:.22em 0;border-bottom:1px solid #e4e8ec}
        td:last-child{text-align:right;font-variant-numeric:tabular-nums}
        .ready{color:#15703b}.not{color:#b3261e}
        svg{width:100%;height:auto}polyline{fill:none;stroke:#1f6feb;stroke-width:1.5}.axis{stroke:#c8d0d8}
        text{font:11px system-ui,sans-serif;fill:#5b6873}
        @media(prefers-color-scheme:dark){body{color:#dfe6ec;background:#14191e}td{border-color:#2a323a}.ready{color:#5ac584}
        .not{color:#ff8a80}polyline{stroke:#6cb0ff}.axis{stroke:#3a444e}text{fill:#93a1ad}}
        </style></head><body>
        """;

    /// <summary>The page.</summary>
    public static string Write(AgentFigures figures)
    {
        AgentHost host = figures.Host;
        (string status, string? reason) = figures.Health();
        Sample now = figures.Now();
        Sample[] history = figures.History;
        double[] rates = SampleHistory.Rates(history);
        StringBuilder page = new();
        page.Append(Head).Append(Text(host.Options.Name.Value)).Append(Style);
        page.Append("<h1>").Append(Text(host.Options.Name.Value)).Append("</h1><p class=\"").Append(reason is null ? "ready" : "not")
            .Append("\">").Append(Text(reason is null ? status : $"{status}: {reason}")).Append("</p><table>");
        Row(page, "Running for", Duration(figures.Uptime));
        Row(page, "Devices connected", Number(now.Connections));
        Row(page, "Subscriptions", Number(figures.Gateway.Subscriptions));
        Row(page, "Events a second", rates.Length == 0 ? "–" : rates[^1].ToString("0.#", CultureInfo.InvariantCulture));
        Row(page, "Events in the store", Number(now.Events));
        Row(page, "Store", $"{Size(now.Bytes)} of {Size(host.Options.Store.MaxBytes)}");
        foreach ((string name, IPEndPoint at) in host.Listening)
        {
            Row(page, $"Listener {name}", at.ToString());
        }

        page.Append("</table>");
        Draw(page, "Events a second, the last hour", rates, static v => v.ToString("0.#", CultureInfo.InvariantCulture));
        Draw(page, "Store, the last hour", [.. history.Select(static s => (double)s.Bytes)], static v => Size((long)v));
        Draw(page, "Devices connected, the last hour", [.. history.Select(static s => (double)s.Connections)], static v => Number((long)v));
        return page.Append("</body></html>\n").ToString();
    }

    private static void Row(StringBuilder page, string name, string value) =>
        page.Append("<tr><td>").Append(Text(name)).Append("</td><td>").Append(Text(value)).Append("</td></tr>");

    private static void Draw(StringBuilder page, string title, double[] values, Func<double, string> show) =>
        page.Append("<h2>").Append(title).Append("</h2>").Append(Plot.Draw(values, values.Length == 0 ? string.Empty : show(values.Max())));

    private static string Text(string text) => WebUtility.HtmlEncode(text);

    private static string Number(long number) => number.ToString("#,0", CultureInfo.InvariantCulture);

    private static string Size(long bytes) => bytes switch
    {
        < 1 << 10 => Number(bytes) + " B",
        < 1 << 20 => (bytes / 1024.0).ToString("0.#", CultureInfo.InvariantCulture) + " KiB",
        < 1 << 30 => (bytes / (1024.0 * 1024)).ToString("0.#", CultureInfo.InvariantCulture) + " MiB",
        _ => (bytes / (1024.0 * 1024 * 1024)).ToString("0.##", CultureInfo.InvariantCulture) + " GiB",
    };

    private static string Duration(TimeSpan time) => time.TotalDays >= 1
        ? string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalDays} d {time.Hours} h")
        : time.TotalHours >= 1 ? string.Create(CultureInfo.InvariantCulture, $"{time.Hours} h {time.Minutes} min")
        : string.Create(CultureInfo.InvariantCulture, $"{time.Minutes} min {time.Seconds} s");
}
