using Streams.Testing;

namespace Streams.EndToEnd.Tests;

/// <summary>A publisher and a subscriber that must be served whatever strangers do.</summary>
internal sealed class Canary : IAsyncDisposable
{
    private const string Topic = "canary/song";

    private readonly ForeignTool _listener;
    private readonly RawMqttClient _publisher;
    private int _songs;

    private Canary(ForeignTool listener, RawMqttClient publisher)
    {
        _listener = listener;
        _publisher = publisher;
    }

    public static async Task<Canary> StartAsync(int port)
    {
        var listener = Mosquitto.ListenOnce(port, "canary/#");
        await Mosquitto.SubscribedAsync(listener);
        return new Canary(listener, await RawMqttClient.ConnectAsync(port, "canary", inFlight: 1));
    }

    /// <summary>Publishes a message and waits until it comes round.</summary>
    public async Task SingAsync()
    {
        var song = $"song {++_songs}";
        Assert.True(await _publisher.PublishAsync(Topic, song), "the canary's connection was ended");
        await Eventually.TrueAsync(
            () => Mosquitto.Messages(_listener).Contains($"{Topic} {song}"), $"the canary hears {song}", seen: () => _listener.Report);
    }

    public async ValueTask DisposeAsync()
    {
        await _publisher.DisposeAsync();
        await _listener.DisposeAsync();
    }
}
