using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Streams.Core;

namespace Streams.Gateways;

/// <summary>Access by rules: a client may connect when at least one is for it, and may do what at least one of those allows. Immutable:
/// a new one takes its place when the rules change.</summary>
/// <param name="rules">The rules; their order does not matter.</param>
public sealed class AccessRules(ImmutableArray<AccessRule> rules) : IAccessPolicy
{
    // A subject is made once for each connection, so its rules are looked for once.
    private readonly ConditionalWeakTable<AccessSubject, AccessRule[]> _found = [];

    /// <inheritdoc/>
    public bool Allows(AccessSubject subject, AccessAction action, StreamPath stream, ReadOnlySpan<char> topic)
    {
        if (!_found.TryGetValue(subject, out AccessRule[]? own))
        {
            own = _found.GetValue(subject, asked => [.. rules.Where(rule => rule.IsFor(asked))]);
        }

        foreach (AccessRule rule in own)
        {
            if (action == AccessAction.Connect || Allows(rule, subject, action, stream, topic))
            {
                return true;
            }
        }

        return false;
    }

    private static bool Allows(AccessRule rule, AccessSubject subject, AccessAction action, StreamPath stream, ReadOnlySpan<char> topic)
    {
        foreach (TopicPattern pattern in action == AccessAction.Publish ? rule.Publish : rule.Subscribe)
        {
            if (action == AccessAction.Subscribe ? pattern.Covers(subject, stream, topic) : pattern.Matches(subject, stream, topic))
            {
                return true;
            }
        }

        return false;
    }
}
