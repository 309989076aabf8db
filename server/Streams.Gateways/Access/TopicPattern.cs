using System.Collections.Immutable;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>A topic filter of an access rule, in which a level may stand for who asks: <c>%c</c> for the client id, <c>%u</c> for the
/// user name, <c>%n</c> for the common name of the certificate. Asking allocates nothing.</summary>
public sealed class TopicPattern
{
    private readonly ImmutableArray<string> _levels;
    private readonly string _text;

    private TopicPattern(string text)
    {
        _text = text;
        _levels = [.. text.Split('/')];
    }

    /// <summary>Reads the text form; <paramref name="fault"/> says what is wrong and what would be right.</summary>
    public static bool TryParse(string? text, out TopicPattern? pattern, out string? fault)
    {
        pattern = null;
        fault = string.IsNullOrEmpty(text) ? "must be a topic filter, as in plant/%u/#"
            : text.StartsWith('$') ? "topics that begin with '$' belong to the system"
            : TopicFilter.FaultInFilter(text, shares: false);
        if (fault is null)
        {
            string? odd = text!.Split('/').FirstOrDefault(
                static level => level.Contains('%', StringComparison.Ordinal) && level is not ("%c" or "%u" or "%n"));
            fault = odd is null ? null
                : $"level '{odd}': % stands only for a whole level: %c (client id), %u (user) or %n (common name of the certificate)";
        }

        pattern = fault is null ? new TopicPattern(text!) : null;
        return fault is null;
    }

    /// <summary>Whether a topic is one of the filter's.</summary>
    public bool Matches(AccessSubject subject, StreamPath stream, ReadOnlySpan<char> topic)
    {
        TopicLevels levels = new(stream, topic);
        foreach (string own in _levels)
        {
            if (own is "#")
            {
                return stream == default || TopicMap.Prefix(stream) is not null;
            }

            if (!levels.TryNext(out ReadOnlySpan<char> level) || !(own is "+" || level.SequenceEqual(Value(own, subject))))
            {
                return false;
            }
        }

        return !levels.TryNext(out _);
    }

    /// <summary>Whether all topics of another filter are topics of this one.</summary>
    public bool Covers(AccessSubject subject, StreamPath stream, ReadOnlySpan<char> filter)
    {
        TopicLevels levels = new(stream, filter);
        foreach (string own in _levels)
        {
            if (own is "#")
            {
                return stream == default || TopicMap.Prefix(stream) is not null;
            }

            if (!levels.TryNext(out ReadOnlySpan<char> level) || level is "#" || (level is "+" && own is not "+")
                || !(own is "+" || level.SequenceEqual(Value(own, subject))))
            {
                return false;
            }
        }

        return !levels.TryNext(out _);
    }

    /// <summary>The text form.</summary>
    public override string ToString() => _text;

    // Who has no such name fits nothing.
    private static ReadOnlySpan<char> Value(string level, AccessSubject subject)
    {
        string? name = level switch
        {
            "%c" => subject.ClientId,
            "%u" => subject.UserName,
            "%n" => subject.Certificate?.CommonName,
            _ => level,
        };
        return string.IsNullOrEmpty(name) && level.Length > 0 ? "\0" : name;
    }
}
