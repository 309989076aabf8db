using Streams.Mqtt;

namespace Streams.Client;

/// <summary>What may become of an event as long as it is unsent.</summary>
/// <param name="Policy">What is done when the outbox is full.</param>
/// <param name="TimeToLive">Milliseconds it may wait, or 0: for ever.</param>
/// <param name="Durability">How far it must have come for its publish to be done.</param>
internal readonly record struct PublishTerms(OutboxPolicy Policy, long TimeToLive,
    PublishDurability Durability = PublishDurability.Flushed)
{
    /// <summary>Whether it may be dropped although it was stored.</summary>
    public bool MayGo => TimeToLive > 0 || Policy is OutboxPolicy.DropOldest or OutboxPolicy.KeepLatestPerKey;
}

/// <summary>The declared rules.</summary>
internal sealed class OutboxRules(IReadOnlyList<OutboxRule> rules)
{
    /// <summary>Most rules: each publish goes through them.</summary>
    public const int MaxRules = 64;

    /// <summary>The longest time to live.</summary>
    public static readonly TimeSpan LongestTimeToLive = TimeSpan.FromDays(3653);

    /// <summary>The terms of an event.</summary>
    /// <param name="topic">Its topic.</param>
    /// <param name="timeToLive">What the publish says, or <see langword="null"/>: what the rule says.</param>
    /// <param name="durability">The same.</param>
    public PublishTerms For(string topic, TimeSpan? timeToLive, PublishDurability? durability = null)
    {
        OutboxPolicy policy = OutboxPolicy.Block;
        for (int i = 0; i < rules.Count; i++)
        {
            if (TopicFilter.Matches(rules[i].Filter, topic))
            {
                policy = rules[i].Policy;
                timeToLive ??= rules[i].TimeToLive;
                durability ??= rules[i].Durability;
                break;
            }
        }

        return new PublishTerms(policy, timeToLive is { } limit ? (long)limit.TotalMilliseconds : 0, durability ?? default);
    }

    /// <summary>What is wrong with the rules.</summary>
    public static IEnumerable<string> Faults(IReadOnlyList<OutboxRule>? rules)
    {
        if (rules is null || rules.Count > MaxRules)
        {
            yield return $"OutboxRules: at most {MaxRules}, {rules?.Count ?? 0} given; none is an empty list";
            yield break;
        }

        for (int i = 0; i < rules.Count; i++)
        {
            if (TopicFilter.FaultInFilter(rules[i].Filter, shares: false) is { } fault)
            {
                yield return $"OutboxRules[{i}]: filter '{rules[i].Filter}': {fault}";
            }

            if (!Enum.IsDefined(rules[i].Policy))
            {
                yield return $"OutboxRules[{i}]: policy {(int)rules[i].Policy} is none";
            }

            if (!Enum.IsDefined(rules[i].Durability))
            {
                yield return $"OutboxRules[{i}]: durability {(int)rules[i].Durability} is none";
            }

            if (rules[i].TimeToLive is { } limit && !IsValid(limit))
            {
                yield return $"OutboxRules[{i}]: TimeToLive {limit}: 1 ms to 10 years, or null";
            }
        }
    }

    /// <summary>Whether something may be told to live so long.</summary>
    public static bool IsValid(TimeSpan timeToLive) => timeToLive >= TimeSpan.FromMilliseconds(1) && timeToLive <= LongestTimeToLive;
}
