using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Streams.Core;
using Streams.Mqtt;
using Streams.Testing;

namespace Streams.Gateways.Tests;

/// <summary>What a connection writes of its session's window: its last word counts, whatever of it is still under way.</summary>
public sealed class WindowWritingTests
{
    [Fact]
    public async Task A_write_that_nobody_waits_for_any_more_loses_to_the_next()
    {
        await using GatewayScene scene = await GatewayScene.OpenAsync();
        MqttPeer reader = await scene.ConnectAsync("reader", expiry: uint.MaxValue);
        await reader.SubscribeAsync("fleet/#", MqttQos.ExactlyOnce);
        RegisterFact record = scene.Container.Register(SessionRecord.Stream, SessionRecord.Key("reader"))!.Value;
        string owner = SessionHead.Read(record.Value)!.Value.Owner;
        SessionStore sessions = new(scene.Store, TimeProvider.System, NullLogger.Instance);
        WindowMoment moment = new();
        List<Task> writes = [];
        foreach (string window in (string[])["first", "second", "", "third"])
        {
            writes.Add(sessions.WriteWindowAsync("reader", owner, Encoding.UTF8.GetBytes(window), moment, default).AsTask());
        }

        await Task.WhenAll(writes).WaitAsync(Eventually.DefaultLimit);
        ReadOnlyMemory<byte> kept = scene.Container.Register(SessionRecord.Stream, WindowRecord.Key("reader"))!.Value.Value;
        Assert.Equal("third", Encoding.UTF8.GetString(kept.Span));
    }
}
