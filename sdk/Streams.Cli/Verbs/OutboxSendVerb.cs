using System.CommandLine;
using Streams.Client;

namespace Streams.Cli;

/// <summary><c>outbox send</c>: sends what waits in an outbox, as its client would.</summary>
internal static class OutboxSendVerb
{
    /// <summary>Makes the command.</summary>
    public static Command Create(CliContext context)
    {
        Argument<string> file = OutboxVerb.FileArgument();
        Command command = new("send", "Sends what waits, as its client would; ends when a cluster holds all of it") { file };
        ClusterOptions clusters = new(context, command, outbox: false);
        command.SetAction((parsed, cancellationToken) => RunAsync(context, parsed, clusters, parsed.GetRequiredValue(file),
            cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(CliContext context, ParseResult parsed, ClusterOptions clusters, string path,
        CancellationToken cancellationToken)
    {
        OutboxFiles.CheckUsable(path);

        // Counted before the client has the file: it begins to send at once.
        long all;
        long refusedBefore;
        using (OutboxReading reading = OutboxReading.Open(path))
        {
            all = reading.Scalar("SELECT count(*) FROM events");
            refusedBefore = reading.Scalar("SELECT count(*) FROM refused");
        }

        long began = context.Time.GetTimestamp();
        await using OpenClient open = await clusters.OpenAsync(parsed, outbox: path, cancellationToken: cancellationToken);
        StreamsClient client = open.Client;
        TimeSpan limit = clusters.Timeout(parsed);
        (long seen, long since) = (all, context.Time.GetTimestamp());
        using (new ProgressBar(context, "sent", () => (all - client.OutboxEvents, all)))
        {
            while (client.OutboxEvents is var left && left > 0)
            {
                if (left != seen)
                {
                    (seen, since) = (left, context.Time.GetTimestamp());
                }
                else if (context.Time.GetElapsedTime(since) > limit)
                {
                    throw open.Unreachable($"{left} of {all} events are not stored: nothing happened for {limit.TotalSeconds:0.#} s");
                }

                await Task.Delay(TimeSpan.FromMilliseconds(20), context.Time, cancellationToken);
            }
        }

        long refused = await RefusedAsync(client, cancellationToken) - refusedBefore;
        PublishAnswer answer = new(0, all - refused, refused, client.OutboxEvents, client.ConnectedTo?.Value, path,
            context.Time.GetElapsedTime(began).TotalSeconds);
        context.Answer(parsed, answer, CliJson.Default.PublishAnswer,
            a => context.Line($"sent {a.Stored} by {a.Cluster}{(a.Refused > 0 ? $", refused {a.Refused}" : "")}"));
        return (int)(refused > 0 ? ExitCode.Findings : ExitCode.Done);
    }

    private static async Task<long> RefusedAsync(StreamsClient client, CancellationToken cancellationToken)
    {
        long count = 0;
        await foreach (RefusedEvent _ in client.Refused.ListAsync(cancellationToken))
        {
            count++;
        }

        return count;
    }
}
