using System.Buffers;
using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Streams.Core;
using Streams.Mqtt;
using Streams.Testing;

namespace Streams.Gateways.Tests;

/// <summary>Two clients that keep their state as the standard says, lines that break and a server that dies at any write: each message is
/// an event once, and is given once, in order (MQTT-4.3.3, MQTT-4.4.0-1).</summary>
public sealed class ExactlyOnceWorldTests
{
    private const int Messages = 400;
    private const int InFlight = 12;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public async Task Each_message_is_published_once_and_given_once_whatever_breaks(int seed)
    {
        await using World world = await World.OpenAsync(seed);
        await world.RunAsync();
        Assert.True(world.Crashes >= 5, $"{world.Crashes} crashes");
        Assert.True(world.Lost >= 5, $"{world.Lost} broken lines");
        Assert.Equal(Enumerable.Range(1, Messages), await world.EventsAsync());
        Assert.Equal(Enumerable.Range(1, Messages), world.Given);
    }

    /// <summary>A world of one cluster.</summary>
    private sealed class World(GatewayScene scene, int seed) : IAsyncDisposable
    {
        private readonly ConcurrentQueue<int> _given = new();
        private readonly SemaphoreSlim _up = new(1);
        private int _packets;
        private int _lost;

        public int Crashes { get; private set; }

        public int Lost => _lost;

        public IEnumerable<int> Given => _given;

        public static async Task<World> OpenAsync(int seed) => new(await GatewayScene.OpenAsync(), seed);

        public async Task RunAsync()
        {
            // The reader's session is there before the first message.
            MqttPeer first = await scene.ConnectAsync("reader", expiry: uint.MaxValue);
            await first.SubscribeAsync("fleet/#", MqttQos.ExactlyOnce);
            await first.DisconnectAsync();
            await (await scene.ConnectAsync("car", expiry: uint.MaxValue)).DisconnectAsync();
            Task clients = Task.WhenAll(new Sender(this, new Random(seed)).RunAsync(),
                new Reader(this, new Random(seed + 100)).RunAsync());
            Random chance = new(seed + 200);
            while (!clients.IsCompleted)
            {
                int goal = Volatile.Read(ref _packets) + chance.Next(20, 150);
                await Eventually.TrueAsync(() => Volatile.Read(ref _packets) >= goal || clients.IsCompleted,
                    $"packet {goal} went over a line", TimeSpan.FromSeconds(30));
                if (!clients.IsCompleted)
                {
                    await _up.WaitAsync();
                    await scene.CrashAsync(chance.Next(1, 12), new Random(chance.Next()));
                    Crashes++;
                    _up.Release();
                }
            }

            await clients;
        }

        public async Task<List<int>> EventsAsync()
        {
            List<int> all = [];
            foreach (LaneStatus lane in scene.Container.Lanes().Where(l => l.Lane.Partition.Stream.Value == "/fleet"))
            {
                for (Offset next = Offset.Zero; next < lane.NextOffset;)
                {
                    using LaneSlice slice = await scene.Container.ReadAsync(lane.Lane, next, 1 << 20, default);
                    foreach (LaneEntry entry in slice.Entries.Where(e => e.Kind == EntryKind.Events))
                    {
                        foreach (EventView view in EventBatch.Parse(entry.Body).Events)
                        {
                            all.Add(int.Parse(view.Payload.Span, CultureInfo.InvariantCulture));
                        }

                        next = entry.NextOffset;
                    }
                }
            }

            return all;
        }

        public async Task<MqttPeer?> ConnectAsync(string clientId)
        {
            await _up.WaitAsync();
            _up.Release();
            MqttPeer peer = scene.Dial();
            try
            {
                await peer.ConnectAsync(clientId, cleanStart: false, expiry: uint.MaxValue, receiveMaximum: InFlight);
            }
            catch (Exception e) when (IsBroken(e))
            {
                return null;
            }

            if (peer.Connack.ReasonCode != MqttReasonCode.Success)
            {
                return null;
            }

            Assert.True(peer.Connack.SessionPresent, "the session is kept");
            return peer;
        }

        public bool Counts(Random chance)
        {
            Interlocked.Increment(ref _packets);
            bool breaks = chance.Next(60) == 0;
            _lost += breaks ? 1 : 0;
            return breaks;
        }

        public void Give(int message) => _given.Enqueue(message);

        public static bool IsBroken(Exception e) => e is InvalidOperationException or IOException or MqttConnectionClosedException
            or ObjectDisposedException;

        public ValueTask DisposeAsync()
        {
            _up.Dispose();
            return scene.DisposeAsync();
        }
    }

    /// <summary>A client over its connections: what it does with one ends when that breaks, or it breaks it itself.</summary>
    private abstract class Client(World world, Random chance, string clientId)
    {
        protected abstract bool IsDone { get; }

        public async Task RunAsync()
        {
            while (!IsDone)
            {
                if (await world.ConnectAsync(clientId) is not { } peer)
                {
                    await Task.Yield();
                    continue;
                }

                try
                {
                    await BeginAsync(peer);
                    while (!IsDone)
                    {
                        await StepAsync(peer);
                        if (world.Counts(chance))
                        {
                            await peer.VanishAsync();
                            break;
                        }
                    }
                }
                catch (Exception e) when (World.IsBroken(e))
                {
                    // The server died or closed: once more.
                }
            }
        }

        protected abstract Task BeginAsync(MqttPeer peer);

        protected abstract Task StepAsync(MqttPeer peer);
    }

    private sealed class Sender(World world, Random chance) : Client(world, chance, "car")
    {
        private readonly SortedDictionary<int, (ushort Id, bool IsReceived)> _open = [];
        private int _next = 1;
        private ushort _id;

        protected override bool IsDone => _next > Messages && _open.Count == 0;

        protected override async Task BeginAsync(MqttPeer peer)
        {
            foreach ((int message, (ushort id, bool isReceived)) in _open)
            {
                await peer.SendAsync(isReceived ? new MqttPubrelPacket { PacketId = id } : Publish(id, message, duplicate: true));
            }
        }

        protected override async Task StepAsync(MqttPeer peer)
        {
            if (_open.Count < InFlight && _next <= Messages)
            {
                do
                {
                    _id = (ushort)((_id % 20) + 1);   // few, so that they are used again and again
                }
                while (_open.Values.Any(o => o.Id == _id));
                _open.Add(_next, (_id, false));
                await peer.SendAsync(Publish(_id, _next++, duplicate: false));
                return;
            }

            switch (await peer.NextAsync<MqttPacket>())
            {
                case MqttPubrecPacket { ReasonCode: < MqttReasonCode.UnspecifiedError } pubrec:
                    int message = _open.Single(o => o.Value.Id == pubrec.PacketId).Key;
                    _open[message] = (pubrec.PacketId, true);
                    await peer.SendAsync(new MqttPubrelPacket { PacketId = pubrec.PacketId });
                    break;
                case MqttPubrecPacket refused:
                    // The identifier is free; the message is sent anew, behind nothing that came later: the world counts its order.
                    int again = _open.Single(o => o.Value.Id == refused.PacketId).Key;
                    throw new InvalidDataException($"message {again} was refused with {refused.ReasonCode}");
                case MqttPubcompPacket pubcomp:
                    int done = _open.SingleOrDefault(o => o.Value.Id == pubcomp.PacketId && o.Value.IsReceived).Key;
                    _open.Remove(done);
                    break;
            }
        }

        private static MqttPublishPacket Publish(ushort id, int message, bool duplicate) => new()
        {
            Topic = "fleet/x", Qos = MqttQos.ExactlyOnce, PacketId = id, Duplicate = duplicate,
            Payload = new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(message.ToString(CultureInfo.InvariantCulture))),
        };
    }

    private sealed class Reader(World world, Random chance) : Client(world, chance, "reader")
    {
        private readonly World _world = world;
        private readonly Random _chance = chance;
        private readonly HashSet<ushort> _received = [];
        private readonly Queue<MqttPacket> _late = new();
        private int _given;

        protected override bool IsDone => _given >= Messages && _received.Count == 0;

        protected override Task BeginAsync(MqttPeer peer)
        {
            _late.Clear();
            return Task.CompletedTask;
        }

        protected override async Task StepAsync(MqttPeer peer)
        {
            switch (await peer.NextAsync<MqttPacket>())
            {
                case MqttPublishPacket publish:
                    if (_received.Add(publish.PacketId))
                    {
                        _world.Give(int.Parse(Encoding.UTF8.GetString(publish.Payload), CultureInfo.InvariantCulture));
                        _given++;
                    }
                    else
                    {
                        Assert.True(publish.Duplicate, "an identifier that is in use comes with DUP only");
                    }

                    _late.Enqueue(new MqttPubrecPacket { PacketId = publish.PacketId });
                    break;
                case MqttPubrelPacket pubrel:
                    _received.Remove(pubrel.PacketId);
                    _late.Enqueue(new MqttPubcompPacket { PacketId = pubrel.PacketId });
                    break;
            }

            // Answers come in lumps, so that a break finds messages in every state.
            while (_late.Count > 0
                && (_late.Count > 4 || _received.Count >= InFlight - 1 || _given >= Messages - 20 || _chance.Next(3) == 0))
            {
                await peer.SendAsync(_late.Dequeue());
            }
        }
    }
}
