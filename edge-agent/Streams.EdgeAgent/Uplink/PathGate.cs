using System.Text;
using Microsoft.Extensions.Logging;
using Streams.Client;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>Lets somebody use only sessions that lead into no ring.</summary>
/// <remarks>Behind an agent it waits a moment first: where a ring closes at this moment, its paths are told to all in it within some
/// milliseconds, and nothing has gone round by then.</remarks>
internal sealed class PathGate(ISessionUser user, UpPath path, TimeProvider time, ILogger logger) : ISessionUser
{
    /// <summary>How long a path must have stood before anything is sent on it, behind an agent.</summary>
    public static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(500);

    /// <inheritdoc/>
    public async Task RunAsync(ClusterSession session)
    {
        if (!Check(session, session.Path))
        {
            return;
        }

        if (session.Path is not null)
        {
            await Task.Delay(Settle, time, session.Token).ConfigureAwait(false);
        }

        await user.RunAsync(session).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public bool TryReceive(ClusterSession session, string topic, ReadOnlyMemory<byte> payload)
    {
        if (topic == ProtocolTopics.Path)
        {
            Check(session, Encoding.UTF8.GetString(payload.Span));
            return true;
        }

        return user.TryReceive(session, topic, payload);
    }

    /// <inheritdoc/>
    public void SessionEnded() => user.SessionEnded();

    private bool Check(ClusterSession session, string? told)
    {
        string? before = path.Loop;
        if (path.Take(session.Cluster, told))
        {
            return true;
        }

        if (path.Loop != before)
        {
            UpLog.Ring(logger, path.Loop!);
        }

        session.Refused($"it leads back here: {path.Loop}");
        return false;
    }
}
