using System.Net;
using Streams.Core;

namespace Streams.Geo;

/// <summary>The settings of links. Immutable; checked once by <see cref="Validate"/>.</summary>
public sealed record GeoOptions
{
    /// <summary>Most links out of one cluster.</summary>
    public const int MaxTargets = 64;

    /// <summary>Where this cluster's links lead: at most <see cref="MaxTargets"/>, each name once. Default none.</summary>
    public IReadOnlyList<LinkTarget> Targets { get; init; } = [];

    /// <summary>Where links of others are accepted; <see langword="null"/> (the default) accepts none. Port 0 takes a free one.</summary>
    public IPEndPoint? Listen { get; init; }

    /// <summary>Most clusters that may link here. Default 1024; each costs up to <see cref="CreditBytes"/> of memory while it is
    /// busy.</summary>
    public int MaxIncoming { get; init; } = 1024;

    /// <summary>First pause after a failed connection, doubled each time, with jitter. Default 200 ms, at least 1 ms.</summary>
    public TimeSpan FirstPause { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>Longest pause between attempts. Default 3 s: an attempt costs one packet, and devices that move to a cluster
    /// that is back wait for the lanes of its links.</summary>
    public TimeSpan LongestPause { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>A session that lived longer than this begins again at once and with the first pause. Default 10 s.</summary>
    public TimeSpan StableAfter { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How much one sender may have under way to this cluster, in bytes. Default 8 MiB, 64 KiB to 1 GiB. Bounds the memory of an
    /// incoming link.</summary>
    public long CreditBytes { get; init; } = 8 << 20;

    /// <summary>How much is read of one lane before the next one has its turn, in bytes. Default 256 KiB, 4 KiB to 4 MiB.</summary>
    public int SliceBytes { get; init; } = 256 << 10;

    /// <summary>How much joined state goes into one frame, in bytes. Default 64 KiB, 1 KiB to 1 MiB.</summary>
    public int StateChunkBytes { get; init; } = 64 << 10;

    /// <summary>Of several links that bring the same lane one feeds it. How long it may lag behind what another one announced, and bring
    /// nothing at all, before that one takes its place. Default 500 ms, 50 ms to 60 s: longer than the round trip of the slowest
    /// link, or lanes change hands for nothing.</summary>
    public TimeSpan FeedPatience { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How often a link says that it is alive. Default 10 s.</summary>
    public TimeSpan PingInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>A link that hears nothing for so long is down; also the limit for connecting and greeting. Default 30 s, longer than
    /// <see cref="PingInterval"/>.</summary>
    public TimeSpan SilenceLimit { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>For so long after the start a cluster never heard of counts as reaching this one, and no lane as exhausted: its link may
    /// not be up yet.
    /// Default 30 s.</summary>
    public TimeSpan StartGrace { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often a neighbour is asked again for entries that are damaged or missing here and that it did not have: it may have got
    /// them from elsewhere. Default 1 min, 100 ms to 1 day.</summary>
    public TimeSpan RepairInterval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Entries that are damaged or missing here are declared lost when every neighbour known was asked and has none of them, but
    /// not before this time since they were found. Default 30 s, at least zero: time for neighbours to link.</summary>
    public TimeSpan LossGrace { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Entries that are damaged or missing here are declared lost after this time since they were found, whoever could not be
    /// asked. Default 1 h, at least zero.</summary>
    public TimeSpan LossLimit { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Checks everything against the name of this cluster.</summary>
    /// <exception cref="ConfigurationException">Something is wrong; all faults are in the message, one a line.</exception>
    public void Validate(ClusterName own)
    {
        List<string> faults = [];
        if (Targets.Count > MaxTargets)
        {
            faults.Add($"links: {Targets.Count} targets, at most {MaxTargets} are allowed; let other clusters pass the lanes on");
        }

        foreach (LinkTarget target in Targets)
        {
            if (target.Name.Value.Length == 0 || target.Name == own)
            {
                faults.Add($"links: a target is named '{target.Name}', which "
                    + (target.Name == own ? "is this cluster itself" : "is no name"));
            }

            if (string.IsNullOrWhiteSpace(target.Host) || target.Port is < 1 or > 65535)
            {
                faults.Add($"links: target {target.Name} has the address '{target.Host}:{target.Port}'; "
                    + "a host and a port of 1 to 65535 are needed");
            }
        }

        foreach (IGrouping<ClusterName, LinkTarget> twice in Targets.GroupBy(target => target.Name).Where(group => group.Count() > 1))
        {
            faults.Add($"links: {twice.Key} is a target {twice.Count()} times");
        }

        Range(faults, "links: first pause in ms", FirstPause.TotalMilliseconds, 1, LongestPause.TotalMilliseconds);
        Range(faults, "links: longest pause in ms", LongestPause.TotalMilliseconds, 1, 86_400_000);
        Range(faults, "links: ping interval in ms", PingInterval.TotalMilliseconds, 1, SilenceLimit.TotalMilliseconds - 1);
        Range(faults, "links: feed patience in ms", FeedPatience.TotalMilliseconds, 50, 60_000);
        Range(faults, "links: repair interval in ms", RepairInterval.TotalMilliseconds, 100, 86_400_000);
        Range(faults, "links: loss grace in ms", LossGrace.TotalMilliseconds, 0, double.MaxValue);
        Range(faults, "links: loss limit in ms", LossLimit.TotalMilliseconds, 0, double.MaxValue);
        Range(faults, "links: most incoming", MaxIncoming, 0, 65_536);
        Range(faults, "links: credit in bytes", CreditBytes, 64 << 10, 1 << 30);
        Range(faults, "links: slice in bytes", SliceBytes, 4 << 10, 4 << 20);
        Range(faults, "links: state chunk in bytes", StateChunkBytes, 1 << 10, 1 << 20);
        if (faults.Count > 0)
        {
            throw new ConfigurationException(string.Join('\n', faults));
        }
    }

    private static void Range(List<string> faults, string what, double value, double least, double most)
    {
        if (value < least || value > most)
        {
            faults.Add($"{what}: {value}, must be {least} to {most}");
        }
    }
}
