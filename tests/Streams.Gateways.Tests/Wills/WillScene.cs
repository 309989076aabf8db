using Streams.Core;
using Streams.Mqtt;
using Streams.Testing;

namespace Streams.Gateways.Tests;

/// <summary>Clients with wills on a clock that the test moves, and one that sees them go out.</summary>
internal static class WillScene
{
    public static readonly StreamPath Wills = StreamPath.Parse("/wills");

    /// <summary>A client whose will says its name.</summary>
    public static async Task<MqttPeer> WithWillAsync(this GatewayScene scene, string clientId, uint delay = 0, uint expiry = 0,
        bool cleanStart = false, MqttVersion version = MqttVersion.V5)
    {
        MqttPeer peer = scene.Dial(version);
        await peer.ConnectAsync(clientId, cleanStart, expiry, will: Will(clientId, delay));
        Assert.Equal(MqttReasonCode.Success, peer.Connack.ReasonCode);
        return peer;
    }

    public static MqttWill Will(string text, uint delay = 0) => new()
    {
        Topic = "wills/" + text,
        Payload = System.Text.Encoding.UTF8.GetBytes("gone"),
        Qos = MqttQos.AtLeastOnce,
        Properties = delay > 0 ? new MqttProperties { WillDelayInterval = delay } : null,
    };

    public static async Task<MqttPeer> ReaderAsync(this GatewayScene scene)
    {
        MqttPeer reader = await scene.ConnectAsync("reader");
        await reader.SubscribeAsync("wills/#");
        return reader;
    }

    /// <summary>The message that comes next, with all that came before it ruled out.</summary>
    public static async Task NextIsAsync(this MqttPeer reader, string clientId) =>
        Assert.Equal($"wills/{clientId}=gone", await reader.ReceiveAsync());

    /// <summary>How many wills are events in the lanes of a cluster, twins counted each.</summary>
    public static long Published(this GatewayScene scene)
    {
        long count = 0;
        for (int i = 0; i < (scene.Container.Settings(Wills)?.Partitions ?? 0); i++)
        {
            count += scene.Container.Lanes(new StreamPartition(Wills, new PartitionId(i))).Sum(static lane => lane.NextOffset.Value);
        }

        return count;
    }

    /// <summary>The registers of wills that are not empty.</summary>
    public static string[] Kept(this GatewayScene scene) => [.. scene.Container.Registers(SessionRecord.Stream, "will")
        .Concat(scene.Container.Registers(SessionRecord.Stream, "part")).Where(static f => !f.Value.IsEmpty).Select(static f => f.Key)];

    public static Task NoneKeptAsync(this GatewayScene scene) =>
        Eventually.EqualAsync(0, () => scene.Kept().Length, "no will is kept any more");
}
