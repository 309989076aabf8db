using System.Buffers;
using System.Threading.Channels;
using Streams.Core;

namespace Streams.Client.Tests;

/// <summary>One connection to a scripted cluster: messages to the client go out in order, one at a time.</summary>
internal sealed class ScriptedConnection : IClusterConnection
{
    private readonly Channel<(string Topic, ReadOnlyMemory<byte> Payload)> _outgoing = Channel.CreateUnbounded<(string,
        ReadOnlyMemory<byte>)>();
    private readonly TaskCompletionSource<ConnectionEnd> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ScriptedCluster _cluster;
    private readonly Task _pump;

    public ScriptedConnection(ScriptedCluster cluster, string clientId, IncomingMessage incoming)
    {
        _cluster = cluster;
        ClientId = clientId;
        _pump = Task.Run(async () =>
        {
            await foreach ((string topic, ReadOnlyMemory<byte> payload) in _outgoing.Reader.ReadAllAsync())
            {
                if (!_closed.Task.IsCompleted)
                {
                    await incoming(topic, payload);
                }
            }
        });
    }

    public string ClientId { get; }

    public Task<ConnectionEnd> Closed => _closed.Task;

    public bool IsOpen => !_closed.Task.IsCompleted;

    public Dictionary<ProducerId, long> ProducerSessions { get; } = [];

    public Dictionary<uint, ScriptedSubscription> Subscriptions { get; } = [];

    public Task<ClusterAnswer> SendAsync(string topic, ReadOnlyMemory<byte> payload, bool answered, CancellationToken cancellationToken) =>
        _cluster.Take(this, topic, payload).WaitAsync(cancellationToken);

    public void Publish(string topic, ReadOnlyMemory<byte> payload) => _outgoing.Writer.TryWrite((topic, payload));

    /// <summary>The cluster closes the connection, as it does to all its clients when it is lost.</summary>
    public void Cut(string why, SessionLoss loss = SessionLoss.Together)
    {
        _outgoing.Writer.TryComplete();
        _closed.TrySetResult(new ConnectionEnd(why, loss));
    }

    public async ValueTask DisposeAsync()
    {
        Cut("closed by the client");
        _cluster.Forget(this);
        await _pump;
    }
}

/// <summary>A subscription at a scripted cluster.</summary>
internal sealed class ScriptedSubscription(uint id, OpenRequest open)
{
    public uint Id => id;

    public OpenRequest Open => open;

    public long Credit { get; set; } = open.CreditBytes;

    /// <summary>The lowest that credit ever was: how far it was overdrawn.</summary>
    public long LowestCredit { get; set; }

    public Dictionary<(PartitionId Partition, Origin Origin), long> Positions { get; } = [];

    public Dictionary<PartitionId, Cursor> Begins { get; } = [];
}
