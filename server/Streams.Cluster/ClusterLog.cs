using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Cluster;

/// <summary>The log events of this project: 5000 to 5099.</summary>
internal static partial class ClusterLog
{
    [LoggerMessage(5000, LogLevel.Information, "data directory {Directory} made for cluster {Cluster}")]
    public static partial void DirectoryMade(ILogger logger, string directory, ClusterName cluster);

    [LoggerMessage(5001, LogLevel.Warning,
        "witness {Path} cannot be written, so a rollback of the data directory may go unseen: {Fault}. Name a writable one with --witness")]
    public static partial void WitnessNotWritable(ILogger logger, string path, string fault);

    [LoggerMessage(5002, LogLevel.Warning, "what was learnt of other clusters is lost, it is learnt again: {Fault}")]
    public static partial void NeighboursForgotten(ILogger logger, string fault);

    [LoggerMessage(5003, LogLevel.Warning, "{Fault}. It was set aside as {Aside} and is made anew, under a new incarnation")]
    public static partial void SetAside(ILogger logger, string fault, string aside);

    [LoggerMessage(5004, LogLevel.Warning, "{Path} is missing in a directory that was written. It is made anew, under a new incarnation")]
    public static partial void MadeAnew(ILogger logger, string path);

    [LoggerMessage(5010, LogLevel.Warning, "lease {Lease} was not kept alive, {Seconds} s are left of it: {Fault}")]
    public static partial void LeaseNotKept(ILogger logger, long lease, double seconds, string fault);

    [LoggerMessage(5011, LogLevel.Error, "lease {Lease} is lost: {Reason}")]
    public static partial void LeaseOver(ILogger logger, long lease, string reason);

    [LoggerMessage(5012, LogLevel.Warning, "lease {Lease} was not given back, it ends by itself: {Fault}")]
    public static partial void LeaseNotGivenBack(ILogger logger, long lease, string fault);

    [LoggerMessage(5013, LogLevel.Warning, "etcd at {Endpoint} does not serve, the next is asked: {Fault}")]
    public static partial void EndpointFailed(ILogger logger, string endpoint, string fault);

    [LoggerMessage(5014, LogLevel.Warning, "watch of {Prefix} is broken and goes on behind revision {Revision}: {Fault}")]
    public static partial void WatchBroken(ILogger logger, string prefix, long revision, string fault);

    [LoggerMessage(5015, LogLevel.Information, "watch of {Prefix} begins anew: the changes behind revision {Revision} are compacted")]
    public static partial void WatchCompacted(ILogger logger, string prefix, long revision);

    [LoggerMessage(5016, LogLevel.Warning, "a transaction got no answer; that it {Verdict} was found out afterwards: {Fault}")]
    public static partial void AnswerLost(ILogger logger, string verdict, string fault);
}
