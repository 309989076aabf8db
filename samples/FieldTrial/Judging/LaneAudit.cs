namespace FieldTrial;

/// <summary>What stands at an offset: enough to tell two events apart, and to know the device's event it is.</summary>
/// <param name="Fingerprint">Eight bytes of a hash over the whole event.</param>
/// <param name="Device">The device, or -1 when the payload is none of ours.</param>
/// <param name="Number">The running number of the device.</param>
internal readonly record struct LaneContent(ulong Fingerprint, int Device, int Number);

/// <summary>Compares the lanes of all clusters, offset by offset, as they are read one after the other. Pure: whoever reads feeds
/// it.</summary>
internal sealed class LaneAudit(LaneTable lanes, IReadOnlyList<string> clusters, Findings findings)
{
    private readonly Dictionary<int, Reference> _references = [];
    private readonly Dictionary<(int Lane, int Cluster), LaneSeen> _seen = [];
    private readonly HashSet<Place> _mismatches = [];

    /// <summary>Offsets that name different events, each counted once.</summary>
    public long Mismatches => _mismatches.Count;

    public long Differences { get; private set; }

    /// <summary>Offsets that any cluster holds, over all lanes.</summary>
    public long Events => _references.Values.Sum(reference => (long)reference.Count);

    public IReadOnlyList<string> Clusters => clusters;

    /// <summary>All lanes that a cluster has, in order.</summary>
    public IReadOnlyList<int> Lanes =>
        [.. _seen.Keys.Select(key => key.Lane).Distinct().OrderBy(lane => lanes[lane].ToString(), StringComparer.Ordinal)];

    public LaneSeen? Seen(int lane, int cluster) => _seen.GetValueOrDefault((lane, cluster));

    /// <summary>A cluster lists a lane with offsets from <paramref name="first"/> up to, not including, <paramref name="next"/>.</summary>
    public void List(int cluster, int lane, long first, long next) => _seen[(lane, cluster)] = new LaneSeen { First = first, Next = next };

    /// <summary>A cluster gives this event at this offset.</summary>
    public void Read(int cluster, int lane, long offset, LaneContent content)
    {
        _seen[(lane, cluster)].Events++;
        if (!_references.TryGetValue(lane, out Reference? reference))
        {
            _references.Add(lane, reference = new Reference());
        }

        if (reference.TryGet(offset, out LaneContent known))
        {
            if (known.Fingerprint != content.Fingerprint)
            {
                Mismatch(new Place(lane, offset),
                    $"{clusters[cluster]} holds {Name(lane, content)} where another cluster holds {Name(lane, known)}");
            }

            return;
        }

        reference.Set(offset, content);
    }

    /// <summary>The hash over all that a cluster gave of a lane.</summary>
    public void Finish(int cluster, int lane, string sha256) => _seen[(lane, cluster)].Sha256 = sha256;

    /// <summary>Looks up every place that was told to a publisher or consumer, and compares the lanes' ends and hashes.</summary>
    public void Close(IReadOnlyDictionary<string, Ledger> ledgers)
    {
        foreach ((string stream, Ledger ledger) in ledgers)
        {
            foreach ((int device, int number, Place place, string toldBy) in ledger.Places())
            {
                if (!_references.TryGetValue(place.Lane, out Reference? reference)
                    || !reference.TryGet(place.Offset, out LaneContent content))
                {
                    Mismatch(place, $"{toldBy} of {ledger.Name(device, number)} names it, and no cluster holds it");
                }
                else if (content.Device != device || content.Number != number || lanes[place.Lane].Partition.Stream.Value != stream)
                {
                    string told = $"{toldBy} of {ledger.Name(device, number)}";
                    Mismatch(place, $"{told} names it, and the clusters hold {Name(place.Lane, content)}");
                }
            }
        }

        foreach (int lane in Lanes)
        {
            Compare(lane);
        }
    }

    private void Compare(int lane)
    {
        LaneSeen?[] all = [.. clusters.Select((_, cluster) => Seen(lane, cluster))];
        long furthest = all.Max(seen => seen?.Next ?? 0);
        for (int cluster = 0; cluster < all.Length; cluster++)
        {
            string? fault = all[cluster] switch
            {
                null => "is missing",
                { } seen when seen.Next != furthest => $"ends at {seen.Next}, elsewhere at {furthest}",
                { } seen when seen.Events != seen.Next - seen.First || seen.First != 0 =>
                    $"gave {seen.Events} events of {seen.First} to {seen.Next}",
                _ => null,
            };
            if (fault is not null)
            {
                Differences++;
                findings.Add(FaultKind.LaneDifference, $"{lanes[lane]} {fault} at {clusters[cluster]}");
            }
        }
    }

    private void Mismatch(Place place, string why)
    {
        if (_mismatches.Add(place))
        {
            findings.Add(FaultKind.OffsetMismatch, $"{lanes.Text(place)}: {why}");
        }
    }

    private string Name(int lane, LaneContent content) => content.Device < 0
        ? $"a foreign event ({content.Fingerprint:x16})"
        : $"{lanes[lane].Partition.Stream} device {content.Device}#{content.Number} ({content.Fingerprint:x16})";

    /// <summary>What the first cluster that was read holds: 17 bytes an event.</summary>
    private sealed class Reference
    {
        private LaneContent[] _contents = [];
        private readonly Bitmap _known = new();

        public int Count => _known.Count;

        public bool TryGet(long offset, out LaneContent content)
        {
            bool known = offset < _contents.Length && _known[(int)offset];
            content = known ? _contents[offset] : default;
            return known;
        }

        public void Set(long offset, LaneContent content)
        {
            if (offset >= _contents.Length)
            {
                Array.Resize(ref _contents, (int)Math.Max(offset + 1, _contents.Length * 2L));
            }

            _contents[offset] = content;
            _known.Add((int)offset);
        }
    }
}

/// <summary>What a cluster gave of a lane.</summary>
internal sealed class LaneSeen
{
    public long First { get; init; }

    public long Next { get; init; }

    public long Events { get; set; }

    /// <summary>Over offset, identity, topic, key, headers, time and payload of all its events, in order; hexadecimal.</summary>
    public string Sha256 { get; set; } = string.Empty;
}
