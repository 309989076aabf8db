using System.Globalization;
using Streams.Core;

namespace Streams.Gateways;

/// <summary>Under which keys of <c>/$mqtt</c> wills are kept. That of a session that outlives its connection by its client, so that any
/// cluster finds it; others, which end with their connection, in numbered places of their cluster that are used again: client
/// identifiers made up for one connection must not leave a register each.</summary>
internal static class WillKeys
{
    /// <summary>What the keys of kept sessions' wills begin with.</summary>
    public const string Kept = "will/";

    private const string Placed = "will-of/";

    /// <summary>The key of the will of a kept session.</summary>
    public static string Of(string clientId) => Kept + clientId;

    /// <summary>The key of a numbered place of a cluster.</summary>
    public static string Of(ClusterName cluster, int place) => string.Create(CultureInfo.InvariantCulture, $"{Placed}{cluster}/{place}");

    /// <summary>Whether a key is that of a will.</summary>
    public static bool IsWill(string key) =>
        key.StartsWith(Kept, StringComparison.Ordinal) || key.StartsWith(Placed, StringComparison.Ordinal);

    /// <summary>The number of a place of this cluster.</summary>
    public static bool TryPlace(string key, ClusterName cluster, out int place)
    {
        string prefix = $"{Placed}{cluster}/";
        place = 0;
        return key.StartsWith(prefix, StringComparison.Ordinal)
            && int.TryParse(key.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out place);
    }

    /// <summary>The key of a further part of what is too long for one register.</summary>
    public static string Part(string key, int part) => string.Create(CultureInfo.InvariantCulture, $"part-{part}/{key}");
}
