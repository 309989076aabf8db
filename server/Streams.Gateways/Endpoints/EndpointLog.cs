using Microsoft.Extensions.Logging;

namespace Streams.Gateways;

/// <summary>The log events of endpoints, of a server or of the agent, and of closing them.</summary>
internal static partial class EndpointLog
{
    [LoggerMessage(6008, LogLevel.Warning, "{Part} did not stop within its time")]
    public static partial void StopLate(ILogger logger, string part);

    [LoggerMessage(6009, LogLevel.Warning, "{Part} failed while stopping")]
    public static partial void StopFailed(ILogger logger, string part, Exception fault);

    [LoggerMessage(6030, LogLevel.Information, "TLS: new connections are shown the certificate {Subject}, valid until {End}")]
    public static partial void CertificateTaken(ILogger logger, string subject, string end);

    [LoggerMessage(6031, LogLevel.Warning, "TLS: the files that changed are not taken, the certificate in use stays: {Fault}")]
    public static partial void CertificateNotTaken(ILogger logger, string fault);
}
