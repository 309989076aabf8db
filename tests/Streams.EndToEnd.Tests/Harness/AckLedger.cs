using Streams.Client;

namespace Streams.EndToEnd.Tests;

/// <summary>
/// What clusters acknowledged: for events of the SDK the exact place, for plain messages only that they are kept. Compared with what is
/// read back. Safe from several threads.
/// </summary>
internal sealed class AckLedger(string stream)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, string> _placed = [];
    private readonly HashSet<string> _kept = [];
    private readonly HashSet<string> _origins = [];

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _placed.Count + _kept.Count;
            }
        }
    }

    /// <summary>An event was acknowledged at a place.</summary>
    public void Placed(StoredEvent stored, string text)
    {
        lock (_gate)
        {
            var place = $"{stored.Partition.Value} {stored.Place}";
            Assert.False(
                _placed.TryGetValue(place, out var other) && other != text, $"{place} was given to '{other}' and then to '{text}'");
            _placed[place] = text;
        }
    }

    /// <summary>A plain message was acknowledged.</summary>
    public void Kept(string text)
    {
        lock (_gate)
        {
            _kept.Add(text);
        }
    }

    /// <summary>
    /// Reads every lane of the cluster and compares: offsets without holes, every acknowledged event where it was acknowledged, every plain
    /// message somewhere, and still the same lanes: the incarnation goes on.
    /// </summary>
    public async Task VerifyAsync(ClusterApi api)
    {
        // First what was acknowledged, then what is there: devices may go on publishing between the two.
        var (placed, kept) = Snapshot();
        var events = await api.EventsAsync(stream);
        var byPlace = events.ToDictionary(found => $"{found.Partition} {found.Origin}:{found.Event.Offset}", found => found.Event.Text);
        var misplaced = placed.Where(acked => byPlace.GetValueOrDefault(acked.Key) != acked.Value).ToArray();
        Assert.True(
            misplaced.Length == 0,
            $"{misplaced.Length} of {placed.Length} events are not where they were acknowledged: "
            + string.Join(", ", misplaced.Take(10).Select(acked => $"{acked}, but {byPlace.GetValueOrDefault(acked.Key, "nothing")}")));
        var lost = kept.Except(byPlace.Values).ToArray();
        Assert.True(lost.Length == 0, $"{lost.Length} of {kept.Length} plain messages are lost: {string.Join(", ", lost.Take(10))}");
        _origins.UnionWith(events.Select(found => found.Origin));
        Assert.True(_origins.Count <= 1, $"a restart must not open a new lane: {string.Join(", ", _origins)}");
    }

    private (KeyValuePair<string, string>[] Placed, string[] Kept) Snapshot()
    {
        lock (_gate)
        {
            return ([.. _placed], [.. _kept]);
        }
    }
}
