namespace FleetFailover;

/// <summary>A moment of a run, for the picture. Cars are counted where they are connected; in outboxes is what no cluster has confirmed
/// yet.</summary>
internal sealed record FleetFigures(TimeSpan Elapsed, string Phase, IReadOnlyList<(string Name, bool IsUp, int Cars)> Clusters,
    string BackEndAt,
    long Published, long Acknowledged, long Delivered, long CommandsSent, long CommandsDelivered, long InOutboxes, string LastEvent);
