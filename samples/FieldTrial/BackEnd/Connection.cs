using Streams.Client;
using Streams.Core;

namespace FieldTrial;

/// <summary>Counts how often a client came to a cluster after its first.</summary>
internal sealed class Connection
{
    private readonly StreamsClient _client;
    private int _connects;

    public Connection(StreamsClient client)
    {
        _client = client;
        if (client.ConnectedTo is not null)
        {
            _connects = 1;
        }

        client.ConnectionChanged += Count;
    }

    public ClusterName? Cluster => _client.ConnectedTo;

    public int Reconnects => Math.Max(0, Volatile.Read(ref _connects) - 1);

    private void Count(ClusterName? cluster)
    {
        if (cluster is not null)
        {
            Interlocked.Increment(ref _connects);
        }
    }
}
