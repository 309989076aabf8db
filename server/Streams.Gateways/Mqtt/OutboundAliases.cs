namespace Streams.Gateways;

/// <summary>Which topic each alias stands for at one client, and which alias a topic gets: the one that it has, else a free one, else
/// that of the topic not used for longest. Events come lane by lane, often several of a topic in a row: that is what this is made
/// for.</summary>
/// <remarks>Not safe for use by many threads: belongs to the writer of the connection, and ends with it. At most
/// <see cref="Most"/> topics of <see cref="MaxTopicBytes"/> each are held.</remarks>
internal sealed class OutboundAliases
{
    /// <summary>Most aliases: each topic that has none is looked for among all.</summary>
    public const int Most = 256;

    /// <summary>Shorter topics have no alias: it takes three bytes itself, and as many again to be set.</summary>
    public const int MinTopicBytes = 8;

    /// <summary>Longer topics have no alias: they are kept for every client.</summary>
    public const int MaxTopicBytes = 1024;

    private readonly int _maximum;
    private int[] _hashes = [];
    private byte[][] _topics = [];
    private int[] _lengths = [];
    private long[] _usedAt = [];
    private int _count;
    private long _clock;

    /// <param name="maximum">Highest alias: what the client takes, and what the gateway keeps for it; 0 for none.</param>
    public OutboundAliases(int maximum)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maximum);
        _maximum = Math.Min(maximum, Most);
    }

    /// <summary>What a message of this topic is to be sent with. Changes nothing: call <see cref="Sent"/> once it is written.</summary>
    public AliasUse Plan(ReadOnlySpan<byte> topic)
    {
        if (_maximum == 0 || topic.Length < MinTopicBytes || topic.Length > MaxTopicBytes)
        {
            return default;
        }

        int hash = Hash(topic);
        int slot = Find(hash, topic);
        return slot >= 0 ? new AliasUse((ushort)(slot + 1), true, hash)
            : new AliasUse((ushort)((_count < _maximum ? _count : Oldest()) + 1), false, hash);
    }

    /// <summary>The message was written as planned: from now on the client knows the alias. Not called for a message that was left out
    /// or written with its topic alone.</summary>
    public void Sent(in AliasUse use, ReadOnlySpan<byte> topic)
    {
        if (use.Alias == 0)
        {
            return;
        }

        int slot = use.Alias - 1;
        if (!use.IsKnown)
        {
            Set(slot, use.Hash, topic);
        }

        _usedAt[slot] = ++_clock;
    }

    private static int Hash(ReadOnlySpan<byte> topic)
    {
        HashCode hash = default;
        hash.AddBytes(topic);
        return hash.ToHashCode();
    }

    private int Find(int hash, ReadOnlySpan<byte> topic)
    {
        for (int from = 0; from < _count;)
        {
            int at = _hashes.AsSpan(from, _count - from).IndexOf(hash);
            if (at < 0)
            {
                return -1;
            }

            int slot = from + at;
            if (_topics[slot].AsSpan(0, _lengths[slot]).SequenceEqual(topic))
            {
                return slot;
            }

            from = slot + 1;
        }

        return -1;
    }

    private int Oldest()
    {
        int oldest = 0;
        for (int i = 1; i < _count; i++)
        {
            oldest = _usedAt[i] < _usedAt[oldest] ? i : oldest;
        }

        return oldest;
    }

    private void Set(int slot, int hash, ReadOnlySpan<byte> topic)
    {
        if (slot == _hashes.Length)
        {
            int size = Math.Min(_maximum, Math.Max(4, slot * 2));
            Array.Resize(ref _hashes, size);
            Array.Resize(ref _topics, size);
            Array.Resize(ref _lengths, size);
            Array.Resize(ref _usedAt, size);
        }

        _count = Math.Max(_count, slot + 1);
        if (_topics[slot] is not { } kept || kept.Length < topic.Length)
        {
            _topics[slot] = new byte[topic.Length];
        }

        topic.CopyTo(_topics[slot]);
        _lengths[slot] = topic.Length;
        _hashes[slot] = hash;
    }
}

/// <summary>How a message is sent.</summary>
/// <param name="Alias">The topic alias; 0 for none.</param>
/// <param name="IsKnown">Whether the client knows it: then the topic is left out.</param>
/// <param name="Hash">Of the topic.</param>
internal readonly record struct AliasUse(ushort Alias, bool IsKnown, int Hash);
