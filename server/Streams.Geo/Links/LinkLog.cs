using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Geo;

/// <summary>What the links tell people; event ids 2000 to 2099.</summary>
internal static partial class LinkLog
{
    [LoggerMessage(2000, LogLevel.Information, "Link {Direction} {Peer}: {Text}")]
    public static partial void Greeted(ILogger logger, string direction, string peer, string text);

    [LoggerMessage(2001, LogLevel.Error, "Link {Direction} {Peer}: {Text}")]
    public static partial void LaneRefused(ILogger logger, string direction, string peer, string text);

    [LoggerMessage(2002, LogLevel.Warning, "Link {Direction} {Peer}: {Text}")]
    public static partial void Gap(ILogger logger, string direction, string peer, string text);

    [LoggerMessage(2003, LogLevel.Information, "Link {Direction} {Peer}: {Text}")]
    public static partial void Recovering(ILogger logger, string direction, string peer, string text);

    [LoggerMessage(2004, LogLevel.Warning, "Link {Direction} {Peer}: {Text}")]
    public static partial void Asked(ILogger logger, string direction, string peer, string text);

    [LoggerMessage(2005, LogLevel.Warning, "Link to {Target} is down: {Reason}; trying again in {Pause}")]
    public static partial void Down(ILogger logger, ClusterName target, string reason, TimeSpan pause);

    [LoggerMessage(2006, LogLevel.Information, "Link to {Target} ended: {Reason}")]
    public static partial void Ended(ILogger logger, ClusterName target, string reason);

    [LoggerMessage(2007, LogLevel.Warning, "Link from {Peer} ended: {Reason}")]
    public static partial void IncomingEnded(ILogger logger, string peer, string reason);

    [LoggerMessage(2008, LogLevel.Warning, "This cluster opens a new incarnation: {Reason}")]
    public static partial void Opening(ILogger logger, string reason);

    [LoggerMessage(2009, LogLevel.Information, "Links are accepted at {Endpoint}")]
    public static partial void Listening(ILogger logger, string endpoint);

    [LoggerMessage(2010, LogLevel.Error, "Accepting links failed, trying again")]
    public static partial void AcceptFailed(ILogger logger, Exception exception);

    [LoggerMessage(2011, LogLevel.Critical,
        "The link to {Target} stopped for a reason that is a fault of this program; it runs again after a pause")]
    public static partial void Died(ILogger logger, ClusterName target, Exception exception);

    [LoggerMessage(2012, LogLevel.Error, "What was learnt of reaching clusters could not be kept")]
    public static partial void NotKept(ILogger logger, Exception exception);

    [LoggerMessage(2013, LogLevel.Warning, "Asked {Target} before the start: {Answer}")]
    public static partial void Asked(ILogger logger, ClusterName target, string answer);

    [LoggerMessage(2014, LogLevel.Error, "Link {Direction} {Peer}: {Text}")]
    public static partial void Damaged(ILogger logger, string direction, string peer, string text);

    [LoggerMessage(2015, LogLevel.Error, "What is lost could not be declared so; it is tried again")]
    public static partial void NotDeclared(ILogger logger, Exception cause);

    /// <summary>Writes what a machine reports.</summary>
    public static void Write(ILogger logger, string direction, string peer, Report report)
    {
        switch (report.Event)
        {
            case LinkEvent.Greeted:
                Greeted(logger, direction, peer, report.Text);
                break;
            case LinkEvent.LaneRefused:
                LaneRefused(logger, direction, peer, report.Text);
                break;
            case LinkEvent.Gap:
                Gap(logger, direction, peer, report.Text);
                break;
            case LinkEvent.Damaged:
                Damaged(logger, direction, peer, report.Text);
                break;
            case LinkEvent.Recovering:
                Recovering(logger, direction, peer, report.Text);
                break;
            default:
                Asked(logger, direction, peer, report.Text);
                break;
        }
    }
}
