using Streams.Core;

namespace Streams.Storage;

/// <summary>Entries that cannot be read: which, since when, and from when on readers step over them.</summary>
public sealed partial class Container
{
    private const int MaxMoments = 10_000;

    private readonly Dictionary<(LaneId Lane, long Entry), long> _damagedSince = [];
    private readonly HashSet<(LaneId Lane, long Entry)> _givenUp = [];

    /// <summary>Entries that are kept here and cannot be read, as far as that was found out; at most a thousand ranges.</summary>
    public IReadOnlyList<DamagedRange> Damaged()
    {
        const int MaxRanges = 1000;
        List<DamagedRange> ranges = [];
        lock (_gate)
        {
            foreach (LaneState lane in _state.Damaged)
            {
                foreach ((long first, long last) in lane.Damaged)
                {
                    if (ranges.Count == MaxRanges)
                    {
                        return ranges;
                    }

                    ranges.Add(new DamagedRange(lane.Id, new EntryNumber(first), new EntryNumber(last + 1)));
                }
            }
        }

        return ranges;
    }

    private void NoteDamage(LaneId lane, long entry)
    {
        bool isNew = false;
        lock (_gate)
        {
            if (_state.Lanes.Find(lane) is { } found && entry >= found.FirstEntry)
            {
                isNew = !found.IsDamaged(entry);
                if (isNew)
                {
                    NoteMoment(found, entry);
                }

                found.NoteDamage(entry);
                _state.Damaged.Add(found);
            }
        }

        if (isNew)
        {
            _logger.EntryDamaged(lane, entry);
        }
    }

    // A run of damage is found out entry by entry, each when readers step over the one before: it began with the first.
    private void NoteMoment(LaneState lane, long entry)
    {
        if (_damagedSince.Count < MaxMoments)
        {
            long since = lane.IsDamaged(entry - 1) ? DamagedSince(lane, entry - 1) : _time.GetTimestamp();
            _damagedSince[(lane.Id, entry)] = since;
        }
    }

    // What was found when the container was opened has no moment of its own.
    private long DamagedSince(LaneState lane, long entry) => _damagedSince.GetValueOrDefault((lane.Id, entry), _openedAt);

    /// <summary>Whether an entry has been damaged for so long that nobody is expected to give it back any more; then where its lane goes
    /// on.</summary>
    private bool IsGivenUp(LaneId lane, long entry, out Offset next)
    {
        next = default;
        LanePart part;
        long behind;
        bool isNews;
        lock (_gate)
        {
            if (_state.Lanes.Find(lane) is not { } found || !found.IsDamaged(entry)
                || _time.GetElapsedTime(DamagedSince(found, entry)) < _options.DamagePatience)
            {
                return false;
            }

            behind = found.Damaged.First(r => r.First <= entry && entry <= r.Last).Last + 1;
            isNews = _givenUp.Count < MaxMoments && _givenUp.Add((lane, entry));
            if (behind >= found.NextEntry)
            {
                next = new Offset(found.NextOffset);
                part = null!;
            }
            else
            {
                part = found.Part(found.PartOf(behind));
                next = part is MemoryPart ? new Offset(part.Place((int)(behind - part.FirstEntry)).BaseOffset) : next;
            }
        }

        next = part is FilePart ? new Offset(part.Place((int)(behind - part.FirstEntry)).BaseOffset) : next;
        if (isNews)
        {
            _logger.DamageGivenUp(lane, entry, behind - 1, next, _options.DamagePatience);
        }

        return true;
    }
}
