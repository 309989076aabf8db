using Streams.Core;

namespace Streams.Gateways;

/// <summary>The levels of an MQTT topic or filter that is given as a stream and the rest.</summary>
internal ref struct TopicLevels
{
    private ReadOnlySpan<char> _now;
    private ReadOnlySpan<char> _rest;
    private bool _hasNow;
    private bool _hasRest;

    /// <summary>The levels; none when clients do not see the stream.</summary>
    /// <param name="stream">The stream; the default when the rest is a filter that is for several.</param>
    /// <param name="rest">Topic or filter within the stream.</param>
    public TopicLevels(StreamPath stream, ReadOnlySpan<char> rest)
    {
        if (stream == default)
        {
            _now = rest;
            _hasNow = true;
            return;
        }

        string? prefix = TopicMap.Prefix(stream);
        _now = prefix;
        _hasNow = prefix is not null;
        _rest = rest;
        _hasRest = _hasNow && (rest.Length > 0 || prefix!.Length == 0);
    }

    /// <summary>The next level.</summary>
    public bool TryNext(out ReadOnlySpan<char> level)
    {
        if (!_hasNow)
        {
            level = default;
            return false;
        }

        int slash = _now.IndexOf('/');
        level = slash < 0 ? _now : _now[..slash];
        if (slash >= 0)
        {
            _now = _now[(slash + 1)..];
            return true;
        }

        _now = _rest;
        _hasNow = _hasRest;
        _hasRest = false;
        return true;
    }
}
