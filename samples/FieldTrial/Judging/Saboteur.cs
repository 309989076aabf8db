namespace FieldTrial;

/// <summary>A fault put between the facts and the judge, to see whether the judge notices.</summary>
internal enum SabotageKind
{
    None,

    /// <summary>One telemetry event is kept from the judge.</summary>
    Lose,

    /// <summary>One telemetry event is shown twice.</summary>
    Duplicate,

    /// <summary>Two events of one device are shown in the wrong order.</summary>
    Reorder,

    /// <summary>One event reads differently at one cluster.</summary>
    Mismatch,
}

/// <summary>Stands on the way of telemetry deliveries and lane contents to the judge, and does exactly one wrong thing, or none.
/// Deliveries come from one thread at a time, lane contents from one thread later.</summary>
internal sealed class Saboteur
{
    private readonly SabotageKind _kind;
    private readonly Ledger _ledger;
    private readonly Random _chance;
    private readonly long _victimDelivery;
    private long _deliveries;
    private long _victimRead = -1;
    private long _reads;
    private int _withheld;
    private (int Device, int Number, Place Place)? _held;

    /// <param name="kind">The wrong thing to do.</param>
    /// <param name="ledger">The judge's telemetry ledger.</param>
    /// <param name="chance">Chooses the victim.</param>
    /// <param name="expectedDeliveries">About how many deliveries will come; the victim is among the first quarter.</param>
    public Saboteur(SabotageKind kind, Ledger ledger, Random chance, long expectedDeliveries)
    {
        _kind = kind;
        _ledger = ledger;
        _chance = chance;
        _victimDelivery = chance.NextInt64(Math.Max(1, expectedDeliveries / 4));
    }

    /// <summary>What was done, or <see langword="null"/> as long as nothing was.</summary>
    public string? Deed { get; private set; }

    /// <summary>Deliveries that came and were not shown to the judge, so far.</summary>
    public int Withheld => Volatile.Read(ref _withheld);

    /// <summary>A delivery on its way to the judge.</summary>
    public void Deliver(int device, int number, Place place)
    {
        if (_held is { } held && held.Device == device)
        {
            _held = null;
            Volatile.Write(ref _withheld, 0);
            _ledger.Deliver(device, number, place);
            _ledger.Deliver(held.Device, held.Number, held.Place);
            Deed = $"{_ledger.Name(device, held.Number)} shown after #{number}";
            return;
        }

        bool isVictim = _deliveries++ >= _victimDelivery && Deed is null && _held is null;
        switch (isVictim ? _kind : SabotageKind.None)
        {
            case SabotageKind.Lose:
                Deed = $"{_ledger.Name(device, number)} kept from the judge";
                Volatile.Write(ref _withheld, 1);
                return;
            case SabotageKind.Duplicate:
                Deed = $"{_ledger.Name(device, number)} shown twice";
                _ledger.Deliver(device, number, place);
                break;
            case SabotageKind.Reorder:
                _held = (device, number, place);
                Volatile.Write(ref _withheld, 1);
                return;
        }

        _ledger.Deliver(device, number, place);
    }

    /// <summary>No more deliveries will come: gives back what was held.</summary>
    public void EndDeliveries()
    {
        if (_held is { } held)
        {
            _held = null;
            _ledger.Deliver(held.Device, held.Number, held.Place);
        }
    }

    /// <summary>How many events will be read from all lanes of all clusters.</summary>
    public void ExpectReads(long events) => _victimRead = events > 0 ? _chance.NextInt64(events) : -1;

    /// <summary>The content of an offset on its way to the judge.</summary>
    public LaneContent Read(string cluster, Place place, LaneContent content)
    {
        if (_kind != SabotageKind.Mismatch || _reads++ != _victimRead)
        {
            return content;
        }

        Deed = $"{_ledger.Lanes.Text(place)} altered at {cluster}";
        return content with { Fingerprint = ~content.Fingerprint };
    }
}
