using System.Text;
using Streams.Core;

namespace Streams.Client;

/// <summary>Looks the options over: all faults are told together.</summary>
internal static class OptionsCheck
{
    private const int MaxNameBytes = 128;
    private const int MaxClusters = 64;

    /// <summary>Throws when something is wrong.</summary>
    /// <exception cref="ConfigurationException">All faults, one a line.</exception>
    public static void Check(StreamsClientOptions options)
    {
        List<string> faults = [];
        Expect(faults, !string.IsNullOrEmpty(options.Name) && Encoding.UTF8.GetByteCount(options.Name) <= MaxNameBytes
            && !options.Name.Any(char.IsControl), $"Name '{options.Name}': 1 to {MaxNameBytes} bytes of UTF-8 without control characters");
        CheckClusters(faults, options.Clusters);
        Expect(faults, !string.IsNullOrWhiteSpace(options.OutboxPath), "OutboxPath: names the file of the outbox");
        Expect(faults, options.OutboxBytes >= 1 << 20, $"OutboxBytes {options.OutboxBytes}: at least 1 MiB");
        Expect(faults, options.BatchBytes is >= 4 << 10 and <= EventLimits.MaxBatchBytes,
            $"BatchBytes {options.BatchBytes}: 4 KiB to 4 MiB");
        Expect(faults, options.BatchesInFlight is >= 1 and <= 256, $"BatchesInFlight {options.BatchesInFlight}: 1 to 256");
        Expect(faults, options.Linger >= TimeSpan.Zero && options.Linger <= TimeSpan.FromSeconds(10),
            $"Linger {options.Linger}: 0 to 10 s");
        Expect(faults, options.Patience >= TimeSpan.Zero || options.Patience == Timeout.InfiniteTimeSpan,
            $"Patience {options.Patience}: 0 or more, or infinite");
        Expect(faults, options.HoldBackEvents >= 1, $"HoldBackEvents {options.HoldBackEvents}: at least 1");
        Expect(faults, options.ReceiveBytes >= 64 << 10, $"ReceiveBytes {options.ReceiveBytes}: at least 64 KiB");
        Expect(faults, options.AnswerTimeout > TimeSpan.Zero, $"AnswerTimeout {options.AnswerTimeout}: more than 0");
        Expect(faults, options.ConnectBackoff.First > TimeSpan.Zero && options.ConnectBackoff.Longest >= options.ConnectBackoff.First
            && options.ConnectBackoff.Longest <= TimeSpan.FromHours(1),
            "ConnectBackoff: first more than 0, longest not below it and at most 1 h");
        Expect(faults, options.FailBackAfter >= TimeSpan.FromMilliseconds(30) || options.FailBackAfter == Timeout.InfiniteTimeSpan,
            $"FailBackAfter {options.FailBackAfter}: at least 30 ms, or infinite");
        Expect(faults, options.KeepAlive >= TimeSpan.FromSeconds(1) && options.KeepAlive <= TimeSpan.FromHours(18),
            $"KeepAlive {options.KeepAlive}: 1 s to 18 h");
        faults.AddRange(OutboxRules.Faults(options.OutboxRules));
        if (faults.Count > 0)
        {
            throw new ConfigurationException(string.Join('\n', faults));
        }
    }

    private static void CheckClusters(List<string> faults, IReadOnlyList<ClusterEndpoint>? clusters)
    {
        Expect(faults, clusters?.Count is >= 1 and <= MaxClusters, $"Clusters: 1 to {MaxClusters}, {clusters?.Count ?? 0} given");
        foreach (ClusterEndpoint cluster in clusters ?? [])
        {
            Expect(faults, cluster.Name.Value.Length > 0 && !string.IsNullOrWhiteSpace(cluster.Host) && cluster.Port is >= 1 and <= 65535,
                $"Clusters: {cluster.Name}={cluster.Host}:{cluster.Port} needs a name, a host and a port from 1 to 65535");
        }

        if (clusters is not null && clusters.Distinct().Count() != clusters.Count)
        {
            faults.Add("Clusters: an endpoint stands there twice");
        }
    }

    private static void Expect(List<string> faults, bool holds, string fault)
    {
        if (!holds)
        {
            faults.Add(fault);
        }
    }
}
