namespace Streams.Gateways;

/// <summary>The rules of delivery that a simulation can take away one at a time, to show that each is needed. The product has all of
/// them.</summary>
/// <param name="Prefix">Rule R9: what is skipped has its place in the session's order, so the cursor never overtakes the reason for a
/// skip.</param>
/// <param name="Jumps">Rule R10: a gap that was stepped over is no ground for skipping a twin.</param>
/// <param name="Ground">Rule R19e: an SDK session's twins are skipped only behind what the SDK has confirmed, not behind what was
/// sent.</param>
internal sealed record DeliveryRules(bool Prefix = true, bool Jumps = true, bool Ground = true)
{
    /// <summary>All of them.</summary>
    public static readonly DeliveryRules All = new();
}
