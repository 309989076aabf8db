using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>Plain MQTT publishers with many messages in flight, until the connection breaks or they are told to stop.</summary>
internal sealed class PlainLoad : IAsyncDisposable
{
    private const int InFlight = 64;

    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _running = [];

    private PlainLoad()
    {
    }

    /// <summary>Connects the publishers and lets them run; what is acknowledged goes to the ledger.</summary>
    public static async Task<PlainLoad> StartAsync(int port, string stream, string name, int publishers, AckLedger ledger)
    {
        var load = new PlainLoad();
        for (var i = 0; i < publishers; i++)
        {
            var client = await RawMqttClient.ConnectAsync(port, $"{name}-{i}", InFlight);
            load._running.Add(load.RunAsync(client, $"{stream.TrimStart('/')}/plain-{i}", $"{name}-{i}", ledger));
        }

        return load;
    }

    /// <summary>Waits until the publishers have seen the end of their connections.</summary>
    public Task BrokenAsync() => Task.WhenAll(_running).WaitAsync(Eventually.DefaultLimit);

    /// <summary>Stops publishing and waits for the answers that are still to come.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await BrokenAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_running);
        _stop.Dispose();
    }

    private async Task RunAsync(RawMqttClient client, string topic, string name, AckLedger ledger)
    {
        await using var owned = client;
        List<Task> answers = [];
        for (var number = 0; !client.HasEnded && !_stop.IsCancellationRequested; number++)
        {
            answers.Add(NoteAsync(await client.SendAsync(topic, $"{name} {number}"), $"{name} {number}", ledger));
        }

        await Task.WhenAll(answers).WaitAsync(Eventually.DefaultLimit);
    }

    private static async Task NoteAsync(Task<bool> answer, string text, AckLedger ledger)
    {
        if (await answer)
        {
            ledger.Kept(text);
        }
    }
}
