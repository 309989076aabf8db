using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>What the agent logs beside its store and its gateway. Event ids 4180 to 4199.</summary>
internal static partial class AgentLog
{
    [LoggerMessage(4180, LogLevel.Information, "starting version {Version}, agent {Agent}, configuration {File}")]
    public static partial void Starting(ILogger logger, string version, ClusterName agent, string file);

    [LoggerMessage(4181, LogLevel.Information, "draining: {Why}")]
    public static partial void Draining(ILogger logger, string why);

    [LoggerMessage(4182, LogLevel.Information, "stopped")]
    public static partial void Stopped(ILogger logger);

    [LoggerMessage(4183, LogLevel.Warning, "draining failed: devices may not have been told to go")]
    public static partial void DrainFailed(ILogger logger, Exception fault);

    [LoggerMessage(4184, LogLevel.Information, "the configuration was read again: {Users} users and {Rules} rules, and {Routes} "
        + "routes, count from now on")]
    public static partial void Reloaded(ILogger logger, int users, int rules, int routes);

    [LoggerMessage(4185, LogLevel.Warning, "the configuration that changed is not taken, the one in use stays: {Faults}")]
    public static partial void NotReloaded(ILogger logger, string faults);

    [LoggerMessage(4186, LogLevel.Warning, "changed in the configuration, and counts only after a restart: {Parts}")]
    public static partial void NeedsRestart(ILogger logger, string parts);

    [LoggerMessage(4187, LogLevel.Information, "first start: running {Program}")]
    public static partial void Provisioning(ILogger logger, string program);

    [LoggerMessage(4188, LogLevel.Information, "{Program}: {Line}")]
    public static partial void ProvisionSaid(ILogger logger, string program, string line);

    [LoggerMessage(4189, LogLevel.Warning, "request {Path} failed")]
    public static partial void RequestFailed(ILogger logger, string path, Exception fault);

    [LoggerMessage(4190, LogLevel.Warning, "the service manager cannot be told: {Fault}")]
    public static partial void NotifyFailed(ILogger logger, string fault);
}
