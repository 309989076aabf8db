using Streams.Client;
using Streams.Core;

namespace FieldTrial;

/// <summary>What the clients of a run share.</summary>
internal sealed record TrialWorld(IReadOnlyList<ClusterEndpoint> Endpoints, string Directory, Judge Judge, Saboteur Saboteur,
    DeviceNumbers Devices, ClientLogFile Log, TimeProvider Time)
{
    /// <summary>How long the preferred cluster must be well again before a client returns to it. Shorter than the SDK's default, so
    /// that runs of seconds see the way back too.</summary>
    public static readonly TimeSpan FailBackAfter = TimeSpan.FromSeconds(4);

    /// <summary>Opens a client with an outbox of its own.</summary>
    public ValueTask<StreamsClient> OpenClientAsync(string name, CancellationToken cancellationToken) =>
        StreamsClient.OpenAsync(ClientOptions(name), Log.For(name), Time, cancellationToken: cancellationToken);

    private StreamsClientOptions ClientOptions(string name) => new()
    {
        Name = name,
        Clusters = Endpoints,
        OutboxPath = Path.Combine(Directory, name + ".db"),
        FailBackAfter = FailBackAfter,
        AnswerTimeout = TimeSpan.FromSeconds(10),

        // Longer than any cluster is down here: what a killed cluster had not passed on comes when it is back, and order is worth the wait.
        Patience = TimeSpan.FromMinutes(30),
        ConnectBackoff = (TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(1)),
    };

    public Place PlaceOf(ReceivedEvent received) => Judge.Lanes.Place(received.Stream, received.Partition, received.Place);

    public Place PlaceOf(StoredEvent stored) => Judge.Lanes.Place(stored.Stream, stored.Partition, stored.Place);
}
