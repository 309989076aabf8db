namespace Streams.Client;

/// <summary>Keeps the clock of ages in the outbox, as long as something staged has a time to live. Used by the writer's thread
/// alone.</summary>
internal sealed class AgeStore : IDisposable
{
    /// <summary>Milliseconds after which the clock is kept anew while something ages: at most so much is left to the wall clock when the
    /// device loses its power.</summary>
    public const long KeepEvery = 60_000;

    private readonly DeviceClock _device;
    private readonly AgeClock _clock;
    private readonly Statement _keep;
    private long _kept = -KeepEvery;
    private bool _dirty;

    /// <summary>An opening begins.</summary>
    /// <param name="database">The database.</param>
    /// <param name="time">The clocks.</param>
    /// <param name="first">The first opening in which something was staged that ages and is there still, or 0.</param>
    public AgeStore(OutboxDatabase database, TimeProvider time, long first)
    {
        _device = new DeviceClock(time);
        _keep = database.Prepare("INSERT INTO ages(opening, length, dark, wall, since, boot, steady) VALUES(?, ?, ?, ?, ?, ?, ?)"
            + " ON CONFLICT(opening) DO UPDATE SET length=excluded.length, dark=excluded.dark, wall=excluded.wall, since=excluded.since,"
            + " steady=excluded.steady");
        database.Execute($"DELETE FROM ages WHERE opening < {(first == 0 ? long.MaxValue : first)}");
        List<AgeMark> earlier = [];
        using (Statement select = database.Prepare("SELECT opening, length, dark, wall, since, boot, steady FROM ages ORDER BY opening"))
        {
            while (select.Step())
            {
                earlier.Add(new AgeMark(select.Long(0), select.Long(1), select.Long(2), select.Long(3), select.Long(4), select.Text(5),
                    select.Long(6)));
            }
        }

        _clock = new AgeClock(earlier, _device.Now);
        _dirty = first > 0;
        Keep();
    }

    /// <summary>Number of this opening.</summary>
    public long Opening => _clock.Opening;

    /// <summary>Milliseconds since it began, as of the last <see cref="Advance"/>.</summary>
    public long Length => _clock.Length;

    /// <summary>Time passes.</summary>
    public void Advance() => _clock.Advance(_device.Now);

    /// <summary>What counts of the time since an opening began.</summary>
    public long Elapsed(long opening) => _clock.Elapsed(opening);

    /// <summary>Something begins to age with the running transaction, or does so still.</summary>
    public void Use(bool always) => _dirty |= always || Length - _kept >= KeepEvery;

    /// <summary>Writes the clock, if something ages.</summary>
    public void Keep()
    {
        if (!_dirty)
        {
            return;
        }

        AgeMark mark = _clock.Mark();
        _keep.Bind(1, mark.Opening).Bind(2, mark.Length).Bind(3, mark.Dark).Bind(4, mark.AnchorWall).Bind(5, mark.SinceAnchor)
            .Bind(6, mark.Boot).Bind(7, mark.Steady).Run();
        (_kept, _dirty) = (mark.Length, false);
    }

    /// <summary>The transaction was undone.</summary>
    public void RollBack() => (_kept, _dirty) = (-KeepEvery, false);

    /// <inheritdoc/>
    public void Dispose() => _keep.Dispose();
}
