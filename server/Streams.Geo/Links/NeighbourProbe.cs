using Streams.Core;

namespace Streams.Geo;

/// <summary>Asks a target, before this cluster takes its first event, whether it holds more of the own lanes (rule R14).</summary>
internal static class NeighbourProbe
{
    /// <summary>Whether it does, or <see langword="null"/> when it cannot be asked within the limit.</summary>
    public static async Task<bool?> AskAsync(LinkTarget target, LinkContext context, TimeSpan limit, CancellationToken cancellationToken)
    {
        using CancellationTokenSource late = new(limit, context.Time);
        using CancellationTokenSource both = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            FrameConnection connection = await LinkDialer.ConnectAsync(target, limit, context.Time, both.Token);
            LinkSender sender = new(new LinkSenderSettings(target.Name, Probe: true), context.Store, context.Horizon.Reach);
            using LinkSession session = new(connection, sender, context);
            await session.RunAsync(both.Token);
            LinkLog.Asked(context.Logger, target.Name, sender.ProbeAnswer == true ? "it holds more of the own lanes than this cluster"
                : "it holds no more than this cluster");
            return sender.ProbeAnswer;
        }
        catch (Exception exception) when (exception is LinkBrokenException or OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            LinkLog.Asked(context.Logger, target.Name, late.IsCancellationRequested ? $"no answer within {limit.TotalSeconds:0.#} s"
                : exception.Message);
            return null;
        }
    }
}
