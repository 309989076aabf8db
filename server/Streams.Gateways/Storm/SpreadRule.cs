using Streams.Core;

namespace Streams.Gateways;

/// <summary>Computes what a cluster hints to its devices (decision 0009).</summary>
/// <remarks>Pure. The window is the time in which the other clusters take all devices of this one, at the rate
/// that is configured.</remarks>
/// <param name="Elsewhere">Where devices shall go, with weights; empty lets them go by their own lists.</param>
/// <param name="DevicesPerSecond">Devices a second that all others together take from this cluster.</param>
internal sealed record SpreadRule(IReadOnlyList<WeightedCluster> Elsewhere, int DevicesPerSecond)
{
    /// <summary>The hint while so many devices are connected. No more than the others take within one second need no spreading: they go
    /// at once.</summary>
    public SpreadHint Hint(int devices) => new(Window(devices), Elsewhere);

    /// <summary>Whether it is worth telling everybody: the window came or went, or became a quarter longer or shorter.</summary>
    public static bool IsNews(SpreadHint told, SpreadHint now) =>
        (told.Window == TimeSpan.Zero) != (now.Window == TimeSpan.Zero)
        || now.Window > told.Window * 1.25 || now.Window < told.Window * 0.75;

    private TimeSpan Window(int devices)
    {
        if (devices <= DevicesPerSecond)
        {
            return TimeSpan.Zero;
        }

        TimeSpan window = TimeSpan.FromMilliseconds(devices * 1000L / DevicesPerSecond);
        return window < SpreadHint.MaxWindow ? window : SpreadHint.MaxWindow;
    }
}
