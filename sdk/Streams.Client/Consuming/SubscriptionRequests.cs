using Streams.Core;

namespace Streams.Client;

/// <summary>What a consumer asks of its cluster once it is open. A request that is refused ends the session: the next one begins at the
/// cursor.</summary>
internal static class SubscriptionRequests
{
    /// <summary>Grants credit; nothing when it is 0 or there is no session.</summary>
    public static void Grant(ClusterSession? session, uint subscription, uint bytes)
    {
        if (bytes > 0 && session is not null)
        {
            CreditGrant grant = new(subscription, bytes);
            _ = session.TellAsync(ProtocolTopics.Credit, Wire.Of((ref ByteWriter w) => grant.Write(ref w), 16));
        }
    }

    /// <summary>Asks for lanes again (R19f).</summary>
    public static void Resume(ClusterSession? session, List<ResumeRequest>? resumes)
    {
        foreach (ResumeRequest resume in resumes ?? [])
        {
            _ = session is null ? Task.CompletedTask : ResumeAsync(session, resume);
        }
    }

    /// <summary>Commits cursors, all at once; completes when all are answered.</summary>
    public static async Task CommitAsync(ClusterSession session, List<CommitRequest> commits)
    {
        List<Task<ClusterAnswer>> asked = [];
        foreach (CommitRequest commit in commits)
        {
            asked.Add(session.AskAsync(ProtocolTopics.Commit, Wire.Of(commit.Write)));
        }

        foreach (ClusterAnswer answer in await Task.WhenAll(asked).ConfigureAwait(false))
        {
            if (!answer.IsTaken)
            {
                session.End($"{session.Cluster} refused a commit: {answer.Text}");
            }
        }
    }

    /// <summary>Closes the subscription.</summary>
    public static Task CloseAsync(ClusterSession session, uint subscription)
    {
        CloseRequest close = new(subscription);
        return session.AskAsync(ProtocolTopics.Close, Wire.Of(close.Write));
    }

    private static async Task ResumeAsync(ClusterSession session, ResumeRequest resume)
    {
        try
        {
            ClusterAnswer answer = await session.AskAsync(ProtocolTopics.Resume, Wire.Of(resume.Write)).ConfigureAwait(false);
            if (!answer.IsTaken)
            {
                session.End($"{session.Cluster} does not send {resume.Origin} again from {resume.From}: {answer.Text}");
            }
        }
        catch (OperationCanceledException)
        {
            // The session is over, and has said why.
        }
    }
}
