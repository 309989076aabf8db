using System.Globalization;
using System.Text;

namespace Streams.EdgeAgent;

/// <summary>Draws values over time as a small picture in SVG, from 0 to the highest.</summary>
internal static class Plot
{
    private const int Width = 560;
    private const int Height = 80;

    /// <summary>The picture, with its highest value named.</summary>
    /// <param name="values">The values, the oldest first, in equal steps.</param>
    /// <param name="highest">The highest, as it is to be shown.</param>
    public static string Draw(ReadOnlySpan<double> values, string highest)
    {
        StringBuilder svg = new();
        svg.Append(CultureInfo.InvariantCulture,
            $"<svg viewBox=\"0 0 {Width} {Height}\" width=\"{Width}\" height=\"{Height}\" role=\"img\">");
        svg.Append(CultureInfo.InvariantCulture, $"<path class=\"axis\" d=\"M0 {Height - 1}H{Width}\"/>");
        if (values.Length > 1)
        {
            double top = 0;
            foreach (double value in values)
            {
                top = Math.Max(top, value);
            }

            svg.Append("<polyline points=\"");
            for (int i = 0; i < values.Length; i++)
            {
                double x = (double)i * Width / (values.Length - 1);
                double y = Height - 1 - (top > 0 ? values[i] / top * (Height - 16) : 0);
                svg.Append(CultureInfo.InvariantCulture, $"{x:0.#},{y:0.#} ");
            }

            svg.Append("\"/>");
            svg.Append("<text x=\"2\" y=\"11\">").Append(highest).Append("</text>");
        }
        else
        {
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"2\" y=\"{Height / 2}\">no values yet</text>");
        }

        return svg.Append("</svg>").ToString();
    }
}
