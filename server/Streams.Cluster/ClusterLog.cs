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
}
