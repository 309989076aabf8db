using Streams.Client;
using Streams.Core;

namespace Streams.Faults;

/// <summary>
/// A back end that meets the faults: reads a stream under one name, tells each event and acknowledges it at once. <c>finish</c> on its
/// input closes it; the end of its input is the end of the process.
/// </summary>
internal static class ReaderProgram
{
    public static async Task<int> RunAsync(DeviceOrder order)
    {
        using var tell = new Tell();
        using var finish = new CancellationTokenSource();
        StreamsClient client;
        try
        {
            client = await StreamsClient.OpenAsync(order.ToOptions(), chance: new Random(order.Seed));
        }
        catch (StreamsException cause)
        {
            tell.Line(Tell.Failed, 0, cause.Message);
            return DeviceProgram.CannotOpen;
        }

        await using (client)
        await using (var consumer = await client.ConsumeAsync(
            new ConsumerOptions { Name = ConsumerName.Parse(order.Name), Stream = StreamPath.Parse(order.Stream) }))
        {
            tell.Line(Tell.Opened);
            _ = Task.Run(() => ObeyAsync(finish));
            try
            {
                await foreach (var found in consumer.ReadAllAsync(finish.Token))
                {
                    // Told first, as a program would do its work first.
                    tell.Line(Tell.Given, EventName.Number(found.Payload.Span), found.Topic.ToString());
                    found.Acknowledge();
                }
            }
            catch (OperationCanceledException) when (finish.IsCancellationRequested)
            {
                // Told to finish.
            }
        }

        tell.Line(Tell.Flushed);
        return 0;
    }

    private static async Task ObeyAsync(CancellationTokenSource finish)
    {
        while (await Console.In.ReadLineAsync() is { } line)
        {
            if (line == "finish")
            {
                await finish.CancelAsync();
            }
        }

        Environment.Exit(1);
    }
}
