namespace FleetFailover;

/// <summary>What happened to the numbered events of one kind (telemetry, or commands), car by car. Safe for many threads; facts may come
/// in any order:
/// an event may be delivered before its publisher has heard that it was stored.</summary>
internal sealed class Ledger(string what, IReadOnlyList<string> cars, LaneTable lanes, Findings findings)
{
    private readonly CarPage[] _pages = [.. cars.Select(_ => new CarPage())];
    private long _sent;
    private long _confirmed;
    private long _delivered;
    private long _duplicates;
    private long _outOfOrder;
    private long _unreadable;

    public string What => what;

    public IReadOnlyList<string> Cars => cars;

    public LaneTable Lanes => lanes;

    public long Sent => Interlocked.Read(ref _sent);

    public long Confirmed => Interlocked.Read(ref _confirmed);

    /// <summary>Different events delivered.</summary>
    public long Delivered => Interlocked.Read(ref _delivered);

    /// <summary>The event is in the publisher's outbox: from here on it may not be lost.</summary>
    public void Publish(int car, int number)
    {
        CarPage page = _pages[car];
        lock (page)
        {
            page.Sent.Add(number);
        }

        Interlocked.Increment(ref _sent);
    }

    /// <summary>A cluster holds the event, there.</summary>
    public void Confirm(int car, int number, Place place)
    {
        CarPage page = _pages[car];
        lock (page)
        {
            page.Confirmed.Set(number, place);
        }

        Interlocked.Increment(ref _confirmed);
    }

    /// <summary>The application was handed the event.</summary>
    public void Deliver(int car, int number, Place place)
    {
        CarPage page = _pages[car];
        lock (page)
        {
            if (page.Got.Add(number))
            {
                _ = Interlocked.Increment(ref _delivered);
                page.Delivered.Set(number, place);
                if (number < page.Highest)
                {
                    _ = Interlocked.Increment(ref _outOfOrder);
                    findings.Add(FaultKind.OutOfOrder, $"{Name(car, number)} came after #{page.Highest}, from {lanes.Text(place)}");
                }

                page.Highest = Math.Max(page.Highest, number);
                return;
            }
        }

        Interlocked.Increment(ref _duplicates);
        findings.Add(FaultKind.Duplicate,
            $"{Name(car, number)} was delivered twice, from {lanes.Text(page.Delivered[number]!.Value)} and {lanes.Text(place)}");
    }

    /// <summary>The application was handed something that nobody sent: damaged, or addressed to somebody else.</summary>
    public void DeliverUnreadable(string why)
    {
        Interlocked.Increment(ref _unreadable);
        findings.Add(FaultKind.Unexpected, $"{what}: {why}");
    }

    /// <summary>Closes the books: what was sent and never came is lost, what came and was never sent is unexpected.</summary>
    public LedgerTotals Close()
    {
        long lost = 0;
        long unexpected = Interlocked.Read(ref _unreadable);
        for (int car = 0; car < _pages.Length; car++)
        {
            foreach (int number in _pages[car].Sent.Except(_pages[car].Got))
            {
                lost++;
                string stored = _pages[car].Confirmed[number] is { } place ? $"stored at {lanes.Text(place)}"
                    : "never confirmed by a cluster";
                findings.Add(FaultKind.Lost, $"{Name(car, number)} was never delivered, {stored}");
            }

            foreach (int number in _pages[car].Got.Except(_pages[car].Sent))
            {
                unexpected++;
                findings.Add(FaultKind.Unexpected, $"{Name(car, number)} was delivered and never sent");
            }
        }

        if (Confirmed != Sent)
        {
            findings.Add(FaultKind.NotConfirmed, $"{what}: {Sent} sent, {Confirmed} confirmed by a cluster");
        }

        return new LedgerTotals(Sent, Confirmed, Delivered, lost, Interlocked.Read(ref _duplicates), Interlocked.Read(ref _outOfOrder),
            unexpected);
    }

    /// <summary>Every place that a publisher or a consumer was told, with the event it was told for.</summary>
    public IEnumerable<(int Car, int Number, Place Place, string ToldBy)> Places()
    {
        for (int car = 0; car < _pages.Length; car++)
        {
            CarPage page = _pages[car];
            for (int number = 0; number < Math.Max(page.Confirmed.End, page.Delivered.End); number++)
            {
                if (page.Confirmed[number] is { } confirmed)
                {
                    yield return (car, number, confirmed, "the receipt");
                }

                if (page.Delivered[number] is { } delivered)
                {
                    yield return (car, number, delivered, "the delivery");
                }
            }
        }
    }

    public string Name(int car, int number) => $"{what} {cars[car]}#{number}";

    private sealed class CarPage
    {
        public readonly Bitmap Sent = new();
        public readonly Bitmap Got = new();
        public readonly PlaceList Confirmed = new();
        public readonly PlaceList Delivered = new();
        public int Highest = -1;
    }
}

/// <summary>The sums of a <see cref="Ledger"/>. Delivered counts different events.</summary>
internal sealed record LedgerTotals(long Sent, long Confirmed, long Delivered, long Lost, long Duplicates, long OutOfOrder, long Unexpected)
{
    public bool IsClean => Lost == 0 && Duplicates == 0 && OutOfOrder == 0 && Unexpected == 0 && Delivered == Sent && Confirmed == Sent;
}
