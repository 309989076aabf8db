namespace Streams.Mqtt;

/// <summary>
/// Many subscriptions, found by topic: a tree with one floor per topic level. Finding costs the levels of the topic times the
/// wildcard branches on the way, not the number of subscriptions. A value stands at most once under one filter.
/// Many threads may search at once, but not while another adds or removes: the owner guards that.
/// </summary>
/// <typeparam name="T">What a subscription leads to; compared with the comparer given.</typeparam>
public sealed class TopicFilterTree<T>
    where T : notnull
{
    /// <summary>The most levels a filter may have: the search goes one call deeper per level, and no sane topic comes near.</summary>
    public const int MaximumLevels = 256;

    private readonly IEqualityComparer<T> _comparer;
    private readonly TopicFilterNode<T> _root = new();

    /// <summary>Makes an empty tree.</summary>
    public TopicFilterTree(IEqualityComparer<T>? comparer = null)
    {
        _comparer = comparer ?? EqualityComparer<T>.Default;
    }

    /// <summary>The number of (filter, value) pairs.</summary>
    public int Count { get; private set; }

    /// <summary>
    /// Adds a value under a filter (of a shared filter: the inner one). False when it stands there already.
    /// Throws <see cref="MqttProtocolException"/> (TopicFilterInvalid) when the filter is invalid or has more than
    /// <see cref="MaximumLevels"/> levels.
    /// </summary>
    public bool Add(string filter, T value)
    {
        string? fault = TopicFilter.FaultInFilter(filter, shares: false);
        if (fault is null && TopicFilter.CountLevels(filter) > MaximumLevels)
        {
            fault = $"A topic filter has at most {MaximumLevels} levels here.";
        }

        if (fault is not null)
        {
            throw new MqttProtocolException(MqttReasonCode.TopicFilterInvalid, fault);
        }

        TopicFilterNode<T> node = _root;
        foreach (Range level in filter.AsSpan().Split('/'))
        {
            node = node.GetOrAddChild(filter.AsSpan(level));
        }

        if (!node.AddValue(value, _comparer))
        {
            return false;
        }

        Count++;
        return true;
    }

    /// <summary>Removes a value from a filter. False when it was not there. Branches left empty are freed.</summary>
    public bool Remove(string filter, T value)
    {
        if (TopicFilter.CountLevels(filter) > MaximumLevels || !Remove(_root, filter, value))
        {
            return false;
        }

        Count--;
        return true;
    }

    /// <summary>
    /// Appends the values of every filter that matches the topic to <paramref name="found"/>; a value under several matching
    /// filters comes several times. The order is not defined. The tree allocates nothing.
    /// </summary>
    public void Match(ReadOnlySpan<char> topic, List<T> found)
    {
        if (!topic.IsEmpty)
        {
            Match(_root, topic, found, wildcards: topic[0] != '$');
        }
    }

    private static void Match(TopicFilterNode<T> node, ReadOnlySpan<char> topic, List<T> found, bool wildcards)
    {
        if (wildcards)
        {
            node.Rest?.AppendTo(found);
        }

        int slash = topic.IndexOf('/');
        ReadOnlySpan<char> level = slash < 0 ? topic : topic[..slash];
        TopicFilterNode<T>? exact = node.FindExact(level);
        TopicFilterNode<T>? any = wildcards ? node.Any : null;
        if (slash < 0)
        {
            AppendEnd(exact, found);
            AppendEnd(any, found);
            return;
        }

        ReadOnlySpan<char> below = topic[(slash + 1)..];
        if (exact is not null)
        {
            Match(exact, below, found, wildcards: true);
        }

        if (any is not null)
        {
            Match(any, below, found, wildcards: true);
        }
    }

    // "a/#" matches "a" too.
    private static void AppendEnd(TopicFilterNode<T>? node, List<T> found)
    {
        node?.AppendTo(found);
        node?.Rest?.AppendTo(found);
    }

    private bool Remove(TopicFilterNode<T> node, ReadOnlySpan<char> filter, T value)
    {
        int slash = filter.IndexOf('/');
        ReadOnlySpan<char> level = slash < 0 ? filter : filter[..slash];
        TopicFilterNode<T>? child = node.FindChild(level);
        if (child is null)
        {
            return false;
        }

        bool removed = slash < 0 ? child.RemoveValue(value, _comparer) : Remove(child, filter[(slash + 1)..], value);
        if (removed && child.IsEmpty)
        {
            node.RemoveChild(level);
        }

        return removed;
    }
}
