using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>The filters of one session, and where it began to read each stream. Belongs to the session's delivery loop: not safe for
/// several threads.</summary>
internal sealed class SessionSubscriptions
{
    private readonly Dictionary<string, Subscription> _byFilter = new(StringComparer.Ordinal);
    private readonly TopicFilterTree<Subscription> _tree = new(ReferenceEqualityComparer.Instance);

    /// <summary>How many filters.</summary>
    public int Count => _byFilter.Count;

    /// <summary>All filters.</summary>
    public IReadOnlyCollection<Subscription> All => _byFilter.Values;

    /// <summary>Whether some filter leaves the client's own messages out.</summary>
    public bool AnyNoLocal { get; private set; }

    /// <summary>Where the session began to read: the heads of the lanes when the first filter came to cover the stream. A partition
    /// not named begins at 0.</summary>
    public Dictionary<StreamPartition, Cursor> Bases { get; } = [];

    /// <summary>Whether there is such a filter.</summary>
    public bool Contains(string filter) => _byFilter.ContainsKey(filter);

    /// <summary>The subscription with this filter, or <see langword="null"/>.</summary>
    public Subscription? Find(string filter) => _byFilter.GetValueOrDefault(filter);

    /// <summary>The same without some filters, and without the bases of what no filter covers then. A copy: for what is written before
    /// it is done.</summary>
    public SessionSubscriptions Without(IReadOnlyCollection<string> filters)
    {
        SessionSubscriptions rest = new();
        foreach (Subscription subscription in _byFilter.Values)
        {
            if (!filters.Contains(subscription.Filter))
            {
                rest.Set(subscription);
            }
        }

        foreach ((StreamPartition partition, Cursor begin) in Bases)
        {
            if (TopicMap.Prefix(partition.Stream) is { } prefix && rest.Covers(prefix))
            {
                rest.Bases.Add(partition, begin);
            }
        }

        return rest;
    }

    /// <summary>Adds a filter, or takes the place of the same one, which keeps where it began.</summary>
    /// <exception cref="MqttProtocolException">The filter is none.</exception>
    public void Set(Subscription subscription)
    {
        if (_byFilter.Remove(subscription.Filter, out Subscription? before))
        {
            RemoveFromTree(before);
            subscription = subscription with { Starts = before.Starts };
        }

        if (!ShareName.IsShared(subscription.Filter))
        {
            _tree.Add(subscription.Filter, subscription);
        }

        _byFilter.Add(subscription.Filter, subscription);
        AnyNoLocal |= subscription.NoLocal;
    }

    /// <summary>Removes a filter; false when there was none.</summary>
    public bool Remove(string filter)
    {
        if (!_byFilter.Remove(filter, out Subscription? subscription))
        {
            return false;
        }

        RemoveFromTree(subscription);
        AnyNoLocal = _byFilter.Values.Any(static s => s.NoLocal);
        return true;
    }

    /// <summary>Whether some filter may match topics of a stream with this prefix.</summary>
    public bool Covers(string prefix)
    {
        foreach (string filter in _byFilter.Keys)
        {
            if (TopicMap.MayMatch(filter, prefix))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Appends the filters, shared ones left out, that match an MQTT topic.</summary>
    public void Match(ReadOnlySpan<char> topic, List<Subscription> found) => _tree.Match(topic, found);

    // A shared filter is read by its group, not by the session.
    private void RemoveFromTree(Subscription subscription)
    {
        if (!ShareName.IsShared(subscription.Filter))
        {
            _tree.Remove(subscription.Filter, subscription);
        }
    }
}
