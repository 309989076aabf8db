using System.Net;
using System.Text;
using System.Threading.Channels;
using Streams.Mqtt;
using Streams.Testing;

namespace Streams.EdgeAgent.Tests;

/// <summary>An agent in this process with a configuration file of its own, on free ports, and devices that speak to it.</summary>
internal sealed class AgentScene : IAsyncDisposable
{
    private readonly List<MqttClientConnection> _devices = [];
    private readonly HttpClient _http = new();

    public TemporaryDirectory Folder { get; } = new();

    public CollectingLoggerProvider Log { get; } = new();

    public AgentHost Host { get; private set; } = null!;

    public string Configuration => Folder.Combine("agent.json");

    /// <summary>Writes the configuration and starts the agent. The braces around it are added, and what every agent has.</summary>
    public static async Task<AgentScene> StartAsync(string more = "", string listener = "")
    {
        AgentScene scene = new();
        scene.Write(more, listener);
        await scene.StartAsync();
        return scene;
    }

    public void Write(string more, string listener = "") => File.WriteAllText(Configuration, $$"""
        { "name": "plant-7", "data": "data", "http": "127.0.0.1:0",
          "listeners": [ { "name": "devices", "address": "127.0.0.1:0"{{listener}} }, { "name": "web", "address": "127.0.0.1:0",
            "transport": "websocket" } ]{{more}} }
        """);

    public async Task StartAsync() => Host = await AgentHost.StartAsync(
        AgentConfiguration.Load(Configuration, DateTimeOffset.UnixEpoch), TimeProvider.System, new Random(7), Log, default);

    /// <summary>A connected device and what it is given, as <c>topic: text</c>.</summary>
    public async Task<(MqttClientConnection Device, ChannelReader<string> Given)> ConnectAsync(string id, bool keeps = false,
        string listener = "devices", string? user = null, string? password = null)
    {
        IPEndPoint at = Host.Listening.Single(l => l.Name == listener).At;
        (MqttClientConnection device, ChannelReader<string> given) = await ConnectAsync(at.Port, id, keeps, user, password,
            listener == "web" ? "/mqtt" : null);
        _devices.Add(device);
        return (device, given);
    }

    public static async Task<(MqttClientConnection Device, ChannelReader<string> Given)> ConnectAsync(int port, string id,
        bool keeps = false, string? user = null, string? password = null, string? path = null)
    {
        Channel<string> given = Channel.CreateUnbounded<string>();
        MqttClientOptions options = new()
        {
            Host = "127.0.0.1", Port = port, ClientId = id, CleanStart = !keeps, SessionExpirySeconds = keeps ? 3600u : null,
            UserName = user, Password = password is null ? null : Encoding.UTF8.GetBytes(password), WebSocketPath = path,
        };
        MqttClientConnection device = await MqttClientConnection.ConnectAsync(options, packet =>
        {
            given.Writer.TryWrite($"{packet.Topic}: {Encoding.UTF8.GetString(packet.Payload)}");
            return ValueTask.CompletedTask;
        }, TimeProvider.System);
        return (device, given.Reader);
    }

    public static async Task<string> NextAsync(ChannelReader<string> given) =>
        await given.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20));

    public static async Task<MqttReasonCode> PublishAsync(MqttClientConnection device, string topic, string text, bool retain = false) =>
        (await device.PublishAsync(topic, Encoding.UTF8.GetBytes(text), MqttQos.AtLeastOnce, retain)).ReasonCode;

    public static async Task<MqttReasonCode> SubscribeAsync(MqttClientConnection device, string filter) =>
        (await device.SubscribeAsync([new MqttSubscription(filter, MqttQos.AtLeastOnce)])).ReasonCodes[0];

    public async Task<(HttpStatusCode Code, string Text)> GetAsync(string path, HttpMethod? method = null)
    {
        using HttpRequestMessage asked = new(method ?? HttpMethod.Get, new Uri($"http://{Host.Http}{path}"));
        using HttpResponseMessage answer = await _http.SendAsync(asked);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    public async ValueTask DisposeAsync()
    {
        foreach (MqttClientConnection device in _devices)
        {
            await device.DisposeAsync();
        }

        await Host.DisposeAsync();
        _http.Dispose();
        Folder.Dispose();
        Log.AssertNoErrors();
    }
}
