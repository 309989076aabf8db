using System.Text;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.Client;

/// <summary>Looks the options over: all faults are told together.</summary>
internal static class OptionsCheck
{
    private const int MaxNameBytes = 128;
    private const int MaxClusters = 64;
    private const int MaxWindows = 64;
    private const int MaxClasses = 7;
    private const int MaxFilters = 64;
    private const long LeastRate = 100;
    private const long MostRate = 1L << 40;

    /// <summary>Throws when something is wrong.</summary>
    /// <exception cref="ConfigurationException">All faults, one a line.</exception>
    public static void Check(StreamsClientOptions options) => Throw(Faults(options));

    /// <summary>Throws when something is wrong.</summary>
    /// <exception cref="ConfigurationException">All faults, one a line.</exception>
    public static void Check(StreamsProducerOptions options) => Throw(Faults(options));

    /// <summary>All that is wrong; empty when nothing is.</summary>
    public static IReadOnlyList<string> Faults(StreamsClientOptions options)
    {
        List<string> faults = FaultsOf(options);
        Expect(faults, !string.IsNullOrWhiteSpace(options.OutboxPath), "OutboxPath: names the file of the outbox");
        Expect(faults, options.OutboxBytes >= 1 << 20, $"OutboxBytes {options.OutboxBytes}: at least 1 MiB");
        Expect(faults, options.FlushWithin >= TimeSpan.FromMilliseconds(10) && options.FlushWithin <= TimeSpan.FromHours(1),
            $"FlushWithin {options.FlushWithin}: 10 ms to 1 h");
        Expect(faults, options.Patience >= TimeSpan.Zero || options.Patience == Timeout.InfiniteTimeSpan,
            $"Patience {options.Patience}: 0 or more, or infinite");
        Expect(faults, options.HoldBackEvents >= 1, $"HoldBackEvents {options.HoldBackEvents}: at least 1");
        Expect(faults, options.ReceiveBytes >= 64 << 10, $"ReceiveBytes {options.ReceiveBytes}: at least 64 KiB");
        faults.AddRange(OutboxRules.Faults(options.OutboxRules));
        Expect(faults, options.OutboxEncryption is null || OutboxEncryption.IsId(options.OutboxEncryption.KeyId),
            $"OutboxEncryption: key id '{options.OutboxEncryption?.KeyId}': 1 to {OutboxEncryption.MaxIdLength} of letters, digits and"
            + " . _ -");
        Expect(faults, options.OutboxEncryption is not { Key: null }, "OutboxEncryption: Key gives the key of a key id, and is required");
        Expect(faults, Enum.IsDefined(options.Drain), $"Drain {(int)options.Drain}: in order, or live first");
        CheckClasses(faults, options.Classes);
        return faults;
    }

    /// <summary>All that is wrong; empty when nothing is.</summary>
    public static IReadOnlyList<string> Faults(StreamsProducerOptions options)
    {
        List<string> faults = FaultsOf(options);
        Expect(faults, options.MemoryBytes >= 1 << 20, $"MemoryBytes {options.MemoryBytes}: at least 1 MiB");
        return faults;
    }

    private static List<string> FaultsOf(ClusterOptions options)
    {
        List<string> faults = [];
        Expect(faults, !string.IsNullOrEmpty(options.Name) && Encoding.UTF8.GetByteCount(options.Name) <= MaxNameBytes
            && !options.Name.Any(char.IsControl), $"Name '{options.Name}': 1 to {MaxNameBytes} bytes of UTF-8 without control characters");
        CheckClusters(faults, options.Clusters);
        Expect(faults, options.BatchBytes is >= 4 << 10 and <= EventLimits.MaxBatchBytes,
            $"BatchBytes {options.BatchBytes}: 4 KiB to 4 MiB");
        Expect(faults, options.BatchesInFlight is >= 1 and <= 256, $"BatchesInFlight {options.BatchesInFlight}: 1 to 256");
        Expect(faults, options.Linger >= TimeSpan.Zero && options.Linger <= TimeSpan.FromSeconds(10),
            $"Linger {options.Linger}: 0 to 10 s");
        Expect(faults, options.AnswerTimeout > TimeSpan.Zero, $"AnswerTimeout {options.AnswerTimeout}: more than 0");
        Expect(faults, options.ConnectBackoff.First > TimeSpan.Zero && options.ConnectBackoff.Longest >= options.ConnectBackoff.First
            && options.ConnectBackoff.Longest <= TimeSpan.FromHours(1),
            "ConnectBackoff: first more than 0, longest not below it and at most 1 h");
        Expect(faults, options.FailBackAfter >= TimeSpan.FromMilliseconds(30) || options.FailBackAfter == Timeout.InfiniteTimeSpan,
            $"FailBackAfter {options.FailBackAfter}: at least 30 ms, or infinite");
        Expect(faults, options.StableAfter >= TimeSpan.Zero, $"StableAfter {options.StableAfter}: 0 or more");
        Expect(faults, options.Order is ClusterOrder.AsListed or ClusterOrder.Nearest, $"Order {options.Order}: as listed, or nearest");
        Expect(faults, options.KeepAlive >= TimeSpan.FromSeconds(1) && options.KeepAlive <= TimeSpan.FromHours(18),
            $"KeepAlive {options.KeepAlive}: 1 s to 18 h");
        Expect(faults, options.CloseWithin >= TimeSpan.Zero && options.CloseWithin <= TimeSpan.FromHours(1),
            $"CloseWithin {options.CloseWithin}: 0 to 1 h");
        CheckIdentity(faults, options);
        Expect(faults, options.Compression is >= BatchCompression.None and <= BatchCompression.Brotli,
            $"Compression {options.Compression}: none, deflate or brotli");
        CheckCap(faults, options.SendCap);
        return faults;
    }

    private static void Throw(IReadOnlyList<string> faults)
    {
        if (faults.Count > 0)
        {
            throw new ConfigurationException(string.Join('\n', faults));
        }
    }

    private static void CheckClasses(List<string> faults, IReadOnlyList<PriorityClass>? classes)
    {
        Expect(faults, classes?.Count <= MaxClasses, $"Classes: at most {MaxClasses}, {classes?.Count ?? 0} given; none is an empty list");
        HashSet<string> names = [];
        foreach (PriorityClass @class in classes ?? [])
        {
            if (!OutboxFiles.IsName(@class.Name))
            {
                faults.Add($"Classes: name '{@class.Name}': 1 to 32 of a to z, 0 to 9 and -, a letter first; not 'lock', nor beginning with"
                    + " damaged- or salvage, or ending with -wal, -shm or -journal");
                continue;
            }

            Expect(faults, names.Add(@class.Name), $"Classes: '{@class.Name}' stands there twice");
            Expect(faults, @class.OutboxBytes >= 1 << 20, $"Classes, {@class.Name}: OutboxBytes {@class.OutboxBytes}: at least 1 MiB");
            Expect(faults, Enum.IsDefined(@class.Drain), $"Classes, {@class.Name}: Drain {(int)@class.Drain}: in order, or live first");
            Expect(faults, @class.Filters?.Count is >= 1 and <= MaxFilters,
                $"Classes, {@class.Name}: 1 to {MaxFilters} filters, {@class.Filters?.Count ?? 0} given");
            foreach (string filter in @class.Filters ?? [])
            {
                if (TopicFilter.FaultInFilter(filter, shares: false) is { } fault)
                {
                    faults.Add($"Classes, {@class.Name}: filter '{filter}': {fault}");
                }
            }
        }
    }

    private static void CheckCap(List<string> faults, SendCap? cap)
    {
        if (cap is null)
        {
            return;
        }

        Expect(faults, IsRate(cap.BytesPerSecond), $"SendCap: {cap.BytesPerSecond} bytes a second; 0, or at least {LeastRate}");
        Expect(faults, cap.TimeZone is not null, "SendCap: TimeZone is missing");
        Expect(faults, cap.Windows?.Count <= MaxWindows, $"SendCap: at most {MaxWindows} windows, {cap.Windows?.Count ?? 0} given");
        foreach (SendWindow window in cap.Windows ?? [])
        {
            Expect(faults, IsRate(window.BytesPerSecond),
                $"SendCap, window from {window.From}: {window.BytesPerSecond} bytes a second; 0, or at least {LeastRate}");
            Expect(faults, window.Days != WeekDays.None && (window.Days & ~WeekDays.All) == 0,
                $"SendCap, window from {window.From}: on no day, or on days that there are not");
        }
    }

    private static bool IsRate(long? rate) => rate is null or 0 or >= LeastRate and <= MostRate;

    private static void CheckIdentity(List<string> faults, ClusterOptions options)
    {
        Expect(faults, options.Credentials is null || (options.UserName is null && options.Password is null),
            "Credentials: not together with UserName and Password");
        Expect(faults, options.CredentialsTimeout > TimeSpan.Zero && options.CredentialsTimeout <= TimeSpan.FromHours(1),
            $"CredentialsTimeout {options.CredentialsTimeout}: more than 0, at most 1 h");
        if (options.CertificateFiles is { } files)
        {
            Expect(faults, files.Certificate is not null || files.Trust is not null, "CertificateFiles: Certificate, Trust or both");
            Expect(faults, files.Key is null || files.Certificate is not null, "CertificateFiles: Key needs Certificate");
        }
    }

    private static void CheckClusters(List<string> faults, IReadOnlyList<ClusterEndpoint>? clusters)
    {
        Expect(faults, clusters?.Count is >= 1 and <= MaxClusters, $"Clusters: 1 to {MaxClusters}, {clusters?.Count ?? 0} given");
        foreach (ClusterEndpoint cluster in clusters ?? [])
        {
            Expect(faults, cluster.Name.Value.Length > 0 && !string.IsNullOrWhiteSpace(cluster.Host) && cluster.Port is >= 1 and <= 65535,
                $"Clusters: {cluster} needs a name, a host and a port from 1 to 65535");
            Expect(faults, !cluster.IsWebSocket || cluster.Path.StartsWith('/'), $"Clusters: the path of {cluster} must begin with '/'");
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
