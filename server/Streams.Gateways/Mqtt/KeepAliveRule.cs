namespace Streams.Gateways;

/// <summary>The longest keep alive that clients may have, where the operator sets one.</summary>
internal static class KeepAliveRule
{
    /// <summary>Longest keep alive that CONNECT can name, in seconds.</summary>
    public const int Longest = ushort.MaxValue;

    /// <summary>The keep alive that a client is told to use instead of its own, in seconds; <see langword="null"/> when its own
    /// counts.</summary>
    /// <param name="wanted">What CONNECT says; 0 for none.</param>
    /// <param name="most">The longest that is allowed; 0 when any is.</param>
    public static ushort? Instead(int wanted, int most) => most > 0 && (wanted == 0 || wanted > most) ? (ushort)most : null;
}
