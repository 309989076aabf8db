using System.Buffers;
using System.Text;

namespace Streams.Mqtt;

/// <summary>
/// The rules of MQTT for topic names and topic filters (section 4.7 and 4.8): what is valid, and what matches what.
/// All comparisons are ordinal; nothing is normalised. Thread-safe, no allocation unless told.
/// </summary>
public static class TopicFilter
{
    /// <summary>The longest name or filter in bytes of UTF-8: its length is a two byte integer.</summary>
    public const int MaximumBytes = ushort.MaxValue;

    private const string SharePrefix = "$share/";
    private static readonly SearchValues<char> s_forbiddenInName = SearchValues.Create("+#\0");

    /// <summary>Tells what is wrong with a topic name, or <see langword="null"/> when it is valid.</summary>
    public static string? FaultInName(ReadOnlySpan<char> name)
    {
        if (name.IsEmpty)
        {
            return "A topic name has at least one character.";
        }

        int at = name.IndexOfAny(s_forbiddenInName);
        if (at >= 0)
        {
            return name[at] == '\0' ? "A topic name has no U+0000." : "A topic name has no wildcards.";
        }

        return FaultInLength(name);
    }

    /// <summary>
    /// Tells what is wrong with a topic filter, or <see langword="null"/> when it is valid.
    /// With <paramref name="shares"/> a filter that begins with <c>$share/</c> must be a well-formed shared one (MQTT 5).
    /// </summary>
    public static string? FaultInFilter(ReadOnlySpan<char> filter, bool shares = true)
    {
        if (filter.IsEmpty)
        {
            return "A topic filter has at least one character.";
        }

        if (shares && filter.StartsWith(SharePrefix, StringComparison.Ordinal))
        {
            if (!TryParseShare(filter, out ReadOnlySpan<char> group, out ReadOnlySpan<char> inner))
            {
                return "A shared filter is $share/{group}/{filter}, group and filter not empty, the group without wildcards.";
            }

            return group.Contains('\0') ? "A topic filter has no U+0000." : FaultInLevels(inner) ?? FaultInLength(filter);
        }

        return FaultInLevels(filter) ?? FaultInLength(filter);
    }

    /// <summary>Whether the text is a valid topic name.</summary>
    public static bool IsValidName(ReadOnlySpan<char> name) => FaultInName(name) is null;

    /// <summary>Whether the text is a valid topic filter, shared filters included.</summary>
    public static bool IsValidFilter(ReadOnlySpan<char> filter) => FaultInFilter(filter) is null;

    /// <summary>Whether the filter has a wildcard anywhere.</summary>
    public static bool HasWildcards(ReadOnlySpan<char> filter) => filter.ContainsAny('+', '#');

    /// <summary>The number of levels: one more than the number of slashes.</summary>
    public static int CountLevels(ReadOnlySpan<char> topicOrFilter) => topicOrFilter.Count('/') + 1;

    /// <summary>
    /// Takes <c>$share/group/filter</c> apart. False when the text is not a shared filter with a non-empty group without
    /// wildcards and a non-empty filter behind it. The inner filter is not validated.
    /// </summary>
    public static bool TryParseShare(ReadOnlySpan<char> filter, out ReadOnlySpan<char> group, out ReadOnlySpan<char> inner)
    {
        group = default;
        inner = default;
        if (!filter.StartsWith(SharePrefix, StringComparison.Ordinal))
        {
            return false;
        }

        ReadOnlySpan<char> rest = filter[SharePrefix.Length..];
        int slash = rest.IndexOf('/');
        if (slash <= 0 || slash == rest.Length - 1 || HasWildcards(rest[..slash]))
        {
            return false;
        }

        group = rest[..slash];
        inner = rest[(slash + 1)..];
        return true;
    }

    /// <summary>
    /// Whether a topic matches a filter. Both must be valid; of a shared filter give the inner one.
    /// A wildcard in the first level does not match a topic that begins with <c>$</c>.
    /// </summary>
    public static bool Matches(ReadOnlySpan<char> filter, ReadOnlySpan<char> topic)
    {
        if (filter.IsEmpty || topic.IsEmpty || (topic[0] == '$' && filter[0] is ('+' or '#')))
        {
            return false;
        }

        while (true)
        {
            int filterEnd = filter.IndexOf('/');
            ReadOnlySpan<char> filterLevel = filterEnd < 0 ? filter : filter[..filterEnd];
            if (filterLevel is "#")
            {
                return true;
            }

            int topicEnd = topic.IndexOf('/');
            ReadOnlySpan<char> topicLevel = topicEnd < 0 ? topic : topic[..topicEnd];
            if (filterLevel is not "+" && !filterLevel.SequenceEqual(topicLevel))
            {
                return false;
            }

            if (topicEnd < 0)
            {
                return filterEnd < 0 || filter[filterEnd..] is "/#";
            }

            if (filterEnd < 0)
            {
                return false;
            }

            filter = filter[(filterEnd + 1)..];
            topic = topic[(topicEnd + 1)..];
        }
    }

    private static string? FaultInLevels(ReadOnlySpan<char> filter)
    {
        for (int i = 0; i < filter.Length; i++)
        {
            char c = filter[i];
            if (c == '\0')
            {
                return "A topic filter has no U+0000.";
            }

            bool startsLevel = i == 0 || filter[i - 1] == '/';
            bool last = i == filter.Length - 1;
            if (c == '#' && !(startsLevel && last))
            {
                return "The wildcard # stands alone in the last level of a topic filter.";
            }

            if (c == '+' && !(startsLevel && (last || filter[i + 1] == '/')))
            {
                return "The wildcard + stands alone in its level of a topic filter.";
            }
        }

        return null;
    }

    private static string? FaultInLength(ReadOnlySpan<char> text)
    {
        // Three bytes is the most one UTF-16 unit can need, so short text need not be counted.
        return text.Length > MaximumBytes / 3 && Encoding.UTF8.GetByteCount(text) > MaximumBytes
            ? $"A topic name or filter has at most {MaximumBytes} bytes of UTF-8."
            : null;
    }
}
