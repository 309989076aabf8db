namespace Streams.Mqtt;

/// <summary>
/// One level of a <see cref="TopicFilterTree{T}"/>. Most nodes have few children and one value: both are made when needed.
/// </summary>
internal sealed class TopicFilterNode<T>
    where T : notnull
{
    private Dictionary<string, TopicFilterNode<T>>? _exact;
    private HashSet<T>? _many;
    private T? _one;
    private bool _hasOne;

    /// <summary>The branch of the wildcard <c>+</c>.</summary>
    public TopicFilterNode<T>? Any { get; private set; }

    /// <summary>The leaf of the wildcard <c>#</c>.</summary>
    public TopicFilterNode<T>? Rest { get; private set; }

    public bool IsEmpty => !_hasOne && _many is null && _exact is null && Any is null && Rest is null;

    public TopicFilterNode<T>? FindExact(ReadOnlySpan<char> level)
    {
        return _exact is not null && _exact.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(level, out TopicFilterNode<T>? child)
            ? child
            : null;
    }

    public TopicFilterNode<T>? FindChild(ReadOnlySpan<char> level) => level switch
    {
        "+" => Any,
        "#" => Rest,
        _ => FindExact(level),
    };

    public TopicFilterNode<T> GetOrAddChild(ReadOnlySpan<char> level)
    {
        switch (level)
        {
            case "+":
                return Any ??= new TopicFilterNode<T>();
            case "#":
                return Rest ??= new TopicFilterNode<T>();
            default:
                TopicFilterNode<T>? child = FindExact(level);
                if (child is null)
                {
                    child = new TopicFilterNode<T>();
                    (_exact ??= new Dictionary<string, TopicFilterNode<T>>(StringComparer.Ordinal)).Add(level.ToString(), child);
                }

                return child;
        }
    }

    public void RemoveChild(ReadOnlySpan<char> level)
    {
        switch (level)
        {
            case "+":
                Any = null;
                break;
            case "#":
                Rest = null;
                break;
            default:
                _exact!.GetAlternateLookup<ReadOnlySpan<char>>().Remove(level);
                if (_exact.Count == 0)
                {
                    _exact = null;
                }

                break;
        }
    }

    public bool AddValue(T value, IEqualityComparer<T> comparer)
    {
        if (_many is not null)
        {
            return _many.Add(value);
        }

        if (!_hasOne)
        {
            _one = value;
            _hasOne = true;
            return true;
        }

        if (comparer.Equals(_one, value))
        {
            return false;
        }

        _many = new HashSet<T>(comparer) { _one!, value };
        _one = default;
        _hasOne = false;
        return true;
    }

    public bool RemoveValue(T value, IEqualityComparer<T> comparer)
    {
        if (_many is not null)
        {
            bool removed = _many.Remove(value);
            if (_many.Count == 0)
            {
                _many = null;
            }

            return removed;
        }

        if (!_hasOne || !comparer.Equals(_one, value))
        {
            return false;
        }

        _one = default;
        _hasOne = false;
        return true;
    }

    public void AppendTo(List<T> found)
    {
        if (_many is not null)
        {
            found.AddRange(_many);
        }
        else if (_hasOne)
        {
            found.Add(_one!);
        }
    }
}
