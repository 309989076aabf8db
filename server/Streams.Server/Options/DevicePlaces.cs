using System.Collections.Immutable;
using System.Globalization;
using Streams.Core;

namespace Streams.Server;

/// <summary>Reads where devices go when this cluster is lost, and how fast: <c>ny=3,ldn=1</c>.</summary>
internal static class DevicePlaces
{
    /// <summary>Reads the text form; <paramref name="fault"/> says what is wrong and what would be right.</summary>
    public static bool TryParse(string text, out ImmutableArray<WeightedCluster> places, out string? fault)
    {
        ImmutableArray<WeightedCluster>.Builder read = ImmutableArray.CreateBuilder<WeightedCluster>();
        places = [];
        foreach (string part in text.Split(','))
        {
            int equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
            {
                fault = "must be NAME=WEIGHT, several with commas between, as in ny=3,ldn=1";
                return false;
            }

            if (!ClusterName.TryParse(part[..equals], out ClusterName cluster, out fault))
            {
                return false;
            }

            if (!IsNumber(part[(equals + 1)..], 1, SpreadHint.MaxWeight, out int weight, out fault))
            {
                fault = $"weight of '{cluster}' {fault}";
                return false;
            }

            if (read.Any(p => p.Cluster == cluster))
            {
                fault = $"cluster '{cluster}' is named twice";
                return false;
            }

            read.Add(new WeightedCluster(cluster, weight));
        }

        fault = read.Count > SpreadHint.MaxClusters ? $"{read.Count} clusters, at most {SpreadHint.MaxClusters} are allowed" : null;
        places = fault is null ? read.ToImmutable() : [];
        return fault is null;
    }

    /// <summary>Reads a rate of connections.</summary>
    public static bool IsRate(string text, int least, out int rate, out string? fault) =>
        IsNumber(text, least, ServerOptions.MaxRate, out rate, out fault);

    /// <summary>Reads a whole number within limits.</summary>
    public static bool IsNumber(string text, int least, int most, out int number, out string? fault)
    {
        bool isNumber = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number)
            && number >= least && number <= most;
        fault = isNumber ? null : $"must be a whole number, {least} to {most}";
        return isNumber;
    }
}
