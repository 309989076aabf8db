using System.Security.Cryptography;
using System.Text;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>A shared subscription by its name: <c>$share/{group}/{filter}</c> (MQTT 5, section 4.8.2). Group and filter together are one
/// subscription: the same group with another filter is another.</summary>
internal sealed class ShareName : IConsumer
{
    /// <summary>What shared filters begin with.</summary>
    public const string FilterPrefix = "$share/";

    /// <summary>What the names of the cursors of shared subscriptions begin with: no other consumer may be called so.</summary>
    public const string CursorPrefix = "share/";

    private ShareName(string text, string filter, ConsumerName cursorName)
    {
        Text = text;
        Filter = filter;
        CursorName = cursorName;
    }

    /// <summary>All of it, as clients write it.</summary>
    public string Text { get; }

    /// <summary>The filter inside.</summary>
    public string Filter { get; }

    /// <summary>The name of its cursors, and the key of its register: <c>share/{group}/{filter}</c>, or, where that is too long,
    /// <c>share/#{SHA-256}</c>, which no group can be called.</summary>
    public ConsumerName CursorName { get; }

    /// <inheritdoc/>
    public string ClientId => Text;

    /// <inheritdoc/>
    public AccessSubject? Subject => null;

    /// <inheritdoc/>
    public bool UsesLog => true;

    /// <summary>Whether a filter is a shared one, well formed or not.</summary>
    public static bool IsShared(string filter) => filter.StartsWith(FilterPrefix, StringComparison.Ordinal);

    /// <summary>Takes a shared filter apart; <see langword="null"/> when it is none, or its group or its filter are none.</summary>
    public static ShareName? Parse(string text)
    {
        if (!TopicFilter.TryParseShare(text, out ReadOnlySpan<char> group, out ReadOnlySpan<char> inner)
            || TopicFilter.FaultInFilter(inner, shares: false) is not null)
        {
            return null;
        }

        if (!ConsumerName.TryParse($"{CursorPrefix}{group}/{inner}", out ConsumerName name, out _))
        {
            name = ConsumerName.Parse($"{CursorPrefix}#{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))}");
        }

        return new ShareName(text, inner.ToString(), name);
    }
}
