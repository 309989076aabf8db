namespace FieldTrial;

/// <summary>What happened to the numbered events of one kind (telemetry, or commands), device by device. Safe for many threads;
/// facts may come in any order:
/// an event may be delivered before its publisher has heard that it was stored.</summary>
internal sealed class Ledger(string what, IReadOnlyList<string> devices, LaneTable lanes, Findings findings, bool hasReceipts = true)
{
    private readonly DevicePage[] _pages = [.. devices.Select(_ => new DevicePage())];
    private long _sent;
    private long _confirmed;
    private long _delivered;
    private long _duplicates;
    private long _repeated;
    private long _outOfOrder;
    private long _unreadable;

    public string What => what;

    public IReadOnlyList<string> Devices => devices;

    public LaneTable Lanes => lanes;

    public long Sent => Interlocked.Read(ref _sent);

    public long Confirmed => Interlocked.Read(ref _confirmed);

    /// <summary>Different events delivered.</summary>
    public long Delivered => Interlocked.Read(ref _delivered);

    /// <summary>The event is in the publisher's outbox: from here on it may not be lost.</summary>
    public void Publish(int device, int number)
    {
        DevicePage page = _pages[device];
        lock (page)
        {
            page.Sent.Add(number);
        }

        Interlocked.Increment(ref _sent);
    }

    /// <summary>Its sender may have sent the event once more, because it was not told whether it had arrived: one more delivery is its
    /// doing, as MQTT's QoS 1 says ("at least once").</summary>
    public void AllowRepeat(int device, int number)
    {
        DevicePage page = _pages[device];
        lock (page)
        {
            page.Repeats[number] = page.Repeats.GetValueOrDefault(number) + 1;
        }
    }

    /// <summary>A cluster holds the event, there.</summary>
    public void Confirm(int device, int number, Place place)
    {
        DevicePage page = _pages[device];
        lock (page)
        {
            page.Confirmed.Set(number, place);
        }

        Interlocked.Increment(ref _confirmed);
    }

    /// <summary>The application was handed the event.</summary>
    public void Deliver(int device, int number, Place place)
    {
        DevicePage page = _pages[device];
        lock (page)
        {
            if (page.Got.Add(number))
            {
                _ = Interlocked.Increment(ref _delivered);
                page.Delivered.Set(number, place);
                if (number < page.Highest)
                {
                    _ = Interlocked.Increment(ref _outOfOrder);
                    findings.Add(FaultKind.OutOfOrder, $"{Name(device, number)} came after #{page.Highest}, from {lanes.Text(place)}");
                }

                page.Highest = Math.Max(page.Highest, number);
                return;
            }

            if (page.Repeats.TryGetValue(number, out int allowed) && allowed > 0)
            {
                page.Repeats[number] = allowed - 1;
                _ = Interlocked.Increment(ref _repeated);
                return;
            }
        }

        Interlocked.Increment(ref _duplicates);
        findings.Add(FaultKind.Duplicate,
            $"{Name(device, number)} was delivered twice, from {lanes.Text(page.Delivered[number]!.Value)} and {lanes.Text(place)}");
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
        for (int device = 0; device < _pages.Length; device++)
        {
            foreach (int number in _pages[device].Sent.Except(_pages[device].Got))
            {
                lost++;
                string stored = _pages[device].Confirmed[number] is { } place ? $"stored at {lanes.Text(place)}"
                    : "never confirmed by a cluster";
                findings.Add(FaultKind.Lost, $"{Name(device, number)} was never delivered, {stored}");
            }

            foreach (int number in _pages[device].Got.Except(_pages[device].Sent))
            {
                unexpected++;
                findings.Add(FaultKind.Unexpected, $"{Name(device, number)} was delivered and never sent");
            }
        }

        if (hasReceipts && Confirmed != Sent)
        {
            findings.Add(FaultKind.NotConfirmed, $"{what}: {Sent} sent, {Confirmed} confirmed by a cluster");
        }

        return new LedgerTotals(Sent, Confirmed, Delivered, lost, Interlocked.Read(ref _duplicates), Interlocked.Read(ref _outOfOrder),
            unexpected, Interlocked.Read(ref _repeated)) { HasReceipts = hasReceipts };
    }

    /// <summary>Every place that a publisher or a consumer was told, with the event it was told for.</summary>
    public IEnumerable<(int Device, int Number, Place Place, string ToldBy)> Places()
    {
        for (int device = 0; device < _pages.Length; device++)
        {
            DevicePage page = _pages[device];
            for (int number = 0; number < Math.Max(page.Confirmed.End, page.Delivered.End); number++)
            {
                if (page.Confirmed[number] is { } confirmed)
                {
                    yield return (device, number, confirmed, "the receipt");
                }

                if (page.Delivered[number] is { } delivered)
                {
                    yield return (device, number, delivered, "the delivery");
                }
            }
        }
    }

    public string Name(int device, int number) => $"{what} {devices[device]}#{number}";

    private sealed class DevicePage
    {
        public readonly Bitmap Sent = new();
        public readonly Bitmap Got = new();
        public readonly Dictionary<int, int> Repeats = [];
        public readonly PlaceList Confirmed = new();
        public readonly PlaceList Delivered = new();
        public int Highest = -1;
    }
}

/// <summary>The sums of a <see cref="Ledger"/>. Delivered counts different events; repeated are deliveries that a sender allowed.</summary>
internal sealed record LedgerTotals(long Sent, long Confirmed, long Delivered, long Lost, long Duplicates, long OutOfOrder, long Unexpected,
    long Repeated = 0)
{
    /// <summary>Whether senders are told that a cluster has an event.</summary>
    public bool HasReceipts { get; init; } = true;

    public bool IsClean => Lost == 0 && Duplicates == 0 && OutOfOrder == 0 && Unexpected == 0 && Delivered == Sent
        && (Confirmed == Sent || !HasReceipts);
}
