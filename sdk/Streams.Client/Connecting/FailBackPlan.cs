namespace Streams.Client;

/// <summary>Decides when a client that is connected elsewhere looks at its preferred cluster, and when it goes back.</summary>
/// <remarks>Pure. A look is a connection: the clients of a cluster with a window of W together have room for their number / W
/// connections a second, and other clusters' clients look too, so each looks once in <see cref="WindowsPerLook"/> · W. The longest
/// window seen counts: when it shrinks, that is because the others are on their way back already.</remarks>
internal sealed class FailBackPlan(TimeSpan after)
{
    /// <summary>Looks in the time that the preferred cluster must answer.</summary>
    public const int LooksPerSpan = 3;

    /// <summary>Windows between two looks when there are many clients.</summary>
    public const int WindowsPerLook = 30;

    private TimeSpan _window;
    private int _answered;
    private TimeSpan _answeredSince;

    /// <summary>How long until the next look; <paramref name="window"/> is that of the cluster connected to.</summary>
    public TimeSpan UntilLook(TimeSpan window, double chance)
    {
        _window = window > _window ? window : _window;
        TimeSpan spread = _window * WindowsPerLook;
        TimeSpan usual = after / LooksPerSpan;
        return spread > usual ? spread * (0.75 + (chance / 2)) : usual;
    }

    /// <summary>What a look showed; true when it is time to go back.</summary>
    public bool Looked(bool answered, TimeSpan now)
    {
        if (!answered)
        {
            _answered = 0;
            return false;
        }

        _answeredSince = _answered++ == 0 ? now : _answeredSince;
        return _answered > LooksPerSpan || now - _answeredSince >= after;
    }

    /// <summary>How long to wait before going back, so that not all go at once.</summary>
    public TimeSpan Delay(double chance) => _window * chance;
}
