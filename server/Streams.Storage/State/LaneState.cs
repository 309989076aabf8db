using System.Collections.Immutable;
using Streams.Core;

namespace Streams.Storage;

/// <summary>A lane here: what is flushed (read under the container's lock, changed by publishing only), and, behind it, what the writer has
/// staged in the group under way (the writer's own).</summary>
internal sealed partial class LaneState(LaneId id, int number)
{
    // Most lanes are idle most of the time: what only some need is made when it is needed.
    private List<uint>? _stagedChecksums;
    private List<SealedRun>? _sealed;
    private SequenceRanges? _damaged;
    private LanePart[] _parts = [];                   // all but the last
    private LanePart? _last;
    private long _stagedFrom;
    private long _totalBytes;
    private long _goneBytes;
    private long _sealedBytes;

    public LaneId Id => id;

    /// <summary>The number that stands for the lane in the log.</summary>
    public int Number => number;

    public long FirstEntry { get; private set; }

    public long FirstOffset { get; private set; }

    public long NextEntry { get; private set; }

    public long NextOffset { get; private set; }

    /// <summary>Bytes of the log that its entries take.</summary>
    public long Bytes => _totalBytes - _goneBytes;

    /// <summary>Bytes of all its entries that ever were here.</summary>
    public long TotalBytes => _totalBytes;

    /// <summary>The index of its entries, in order; the last part may still grow.</summary>
    public int Parts => _parts.Length + (_last is null ? 0 : 1);

    /// <summary>Where entries stand that were damaged and got back; <see langword="null"/> when there are none. Does not change.</summary>
    public ImmutableSortedDictionary<long, EntryPlace>? Repaired { get; private set; }

    /// <summary>Entries known to be damaged or missing, first and last of each range; empty when there are none.</summary>
    public IReadOnlyList<(long First, long Last)> Damaged => _damaged?.Ranges ?? [];

    /// <summary>The latest time at which one of its entries was appended.</summary>
    public long AppendedBy => _last is { Count: > 0 } last ? last.AppendedBy : _parts.Length > 0 ? _parts[^1].AppendedBy : 0;

    /// <summary>The sealed partitionlets, oldest first.</summary>
    public IReadOnlyList<SealedRun> Sealed => _sealed ?? (IReadOnlyList<SealedRun>)[];

    /// <summary>The partitionlet being written.</summary>
    public long OpenFirstEntry { get; private set; }

    public long OpenFirstOffset { get; private set; }

    public long OpenBytes => _totalBytes - Math.Max(_sealedBytes, _goneBytes);

    public long OpenSince { get; private set; }

    public long StagedNextEntry { get; private set; }

    public long StagedNextOffset { get; private set; }

    public long StagedOpenBytes { get; set; }

    public long StagedOpenSince { get; set; }

    /// <summary>Where the partitionlet under way begins: entry and offset.</summary>
    public (long Entry, long Offset) StagedOpenStart { get; private set; }

    /// <summary>First position of the segment in which the lane is declared; -1 for none.</summary>
    public long DeclaredIn { get; set; } = -1;

    /// <summary>When it grew last, as <see cref="LaneTable"/> counts; 0 for never.</summary>
    public long GrewAt { get; set; }

    /// <summary>The lane that grew next before it.</summary>
    public LaneState? Older { get; set; }

    /// <summary>The lane that grew next after it.</summary>
    public LaneState? Newer { get; set; }

    /// <summary>The group in which the writer staged last; <see langword="null"/> when nothing is staged.</summary>
    public StagedGroup? StagedIn { get; private set; }

    public LaneStatus Status => new(id, new EntryNumber(FirstEntry), new EntryNumber(NextEntry), new Offset(FirstOffset),
        new Offset(NextOffset), Bytes);

    // ---- publishing and replay

    /// <summary>Part by its index among <see cref="Parts"/>.</summary>
    public LanePart Part(int index) => index < _parts.Length ? _parts[index] : _last!;

    /// <summary>The index of the part that holds an entry, which must be kept here.</summary>
    public int PartOf(long entry)
    {
        int low = 0;
        for (int high = Parts - 1; low < high;)
        {
            int middle = (low + high + 1) >> 1;
            (low, high) = Part(middle).FirstEntry <= entry ? (middle, high) : (low, middle - 1);
        }

        return low;
    }

    /// <summary>The index of the part that holds an offset, or of the first one when the offset is before it.</summary>
    public int PartHolding(long offset)
    {
        int low = 0;
        for (int high = Parts - 1; low < high;)
        {
            int middle = (low + high + 1) >> 1;
            (low, high) = Part(middle).FirstOffset <= offset ? (middle, high) : (low, middle - 1);
        }

        return low;
    }

    /// <summary>An entry stands in the log. A part that begins with it is added to what the segment holds.</summary>
    public void Add(long entry, long nextOffset, long appendedAt, in EntryPlace place, SegmentContents contents)
    {
        FillHole(entry, place.BaseOffset, contents);
        long appendedBy = Math.Max(AppendedBy, appendedAt);
        Open(place.BaseOffset, contents).Add(nextOffset, place with { AppendedBy = appendedBy });
        NextEntry = entry + 1;
        NextOffset = nextOffset;
        _totalBytes += place.Bytes;
        OpenSince = OpenSince == 0 ? appendedAt : OpenSince;
    }

    /// <summary>A part of a segment that has an index file.</summary>
    public void Add(SegmentIndex index, in FilePartShape shape, SegmentContents contents)
    {
        FillHole(shape.FirstEntry, shape.FirstOffset, contents);
        Append(new FilePart(index, shape, _totalBytes));
        NextEntry = shape.FirstEntry + shape.Count;
        NextOffset = shape.NextOffset;
        _totalBytes += shape.Bytes;
        OpenSince = OpenSince == 0 ? shape.FirstAppendedBy : OpenSince;
    }

    /// <summary>The index of a part is in a file now.</summary>
    public void Replace(MemoryPart part, FilePart file)
    {
        if (ReferenceEquals(_last, part))
        {
            _last = file;
        }
        else if (Array.IndexOf(_parts, part) is var at and >= 0)
        {
            _parts[at] = file;
        }
    }

    /// <summary>The segment has ended: what comes next begins a part of its own.</summary>
    public void EndPart()
    {
        if (_last is MemoryPart)
        {
            _parts = [.. _parts, _last];
            _last = null;
        }
    }

    /// <summary>Bytes of all entries before one that ever were here; reads the disk when that entry is in a segment that has
    /// ended.</summary>
    public long BytesBefore(long entry)
    {
        if (entry >= NextEntry || Parts == 0)
        {
            return _totalBytes;
        }

        LanePart part = Part(PartOf(entry));
        return part.BytesBefore((int)(entry - part.FirstEntry));
    }

    /// <summary>The copy begins at an entry; <paramref name="bytesBefore"/> as <see cref="BytesBefore"/> gives it.</summary>
    public void SkipTo(long first, long firstOffset, long bytesBefore, bool keepsItems)
    {
        if (first <= FirstEntry && FirstEntry > 0)
        {
            return;                                  // two trims that crossed: a copy never begins earlier again
        }

        EndPartAt(first, keepsItems);
        if (first >= NextEntry)
        {
            NextEntry = first;
            NextOffset = firstOffset;
            bytesBefore = _totalBytes;
        }

        _goneBytes = Math.Max(_goneBytes, bytesBefore);
        FirstEntry = first;
        FirstOffset = firstOffset;
        _sealed?.RemoveAll(s => s.NextEntry <= first);
        _damaged?.Remove(0, first - 1);
        _lost?.Remove(0, first - 1);
        Repaired = Repaired?.RemoveRange(Repaired.Keys.Where(e => e < first));
        if (OpenFirstEntry < first)
        {
            OpenFirstEntry = first;
            OpenFirstOffset = firstOffset;
        }
    }

    /// <summary>An entry cannot be read.</summary>
    public void NoteDamage(long entry)
    {
        if (entry >= FirstEntry && entry < NextEntry)
        {
            (_damaged ??= new SequenceRanges()).Add(entry, entry);
        }
    }

    /// <summary>Whether an entry is known to be damaged.</summary>
    public bool IsDamaged(long entry) => _damaged?.Contains(entry) ?? false;

    /// <summary>An entry that was damaged stands elsewhere.</summary>
    public void Repair(long entry, in EntryPlace place)
    {
        _damaged?.Remove(entry, entry);
        _lost?.Remove(entry, entry);
        Repaired = (Repaired ?? ImmutableSortedDictionary<long, EntryPlace>.Empty).SetItem(entry, place);
    }

    /// <summary>Whether an entry fits what is here around it, where it is damaged. Reads the disk when the entry is in a segment that
    /// has ended.</summary>
    public bool FitsDamage(LaneEntry entry)
    {
        (long _, long last) = _damaged!.Ranges.First(r => r.First <= entry.Number.Value && entry.Number.Value <= r.Last);
        long end = last + 1 < NextEntry ? PlaceOf(last + 1).BaseOffset : NextOffset;
        return entry.BaseOffset.Value >= PlaceOf(entry.Number.Value).BaseOffset
            && (entry.Number.Value == last ? entry.NextOffset.Value == end : entry.NextOffset.Value <= end);
    }

    public void SealRun(SealedRun run)
    {
        (_sealed ??= []).Add(run);
        OpenFirstEntry = run.NextEntry;
        OpenFirstOffset = run.NextOffset;
        OpenSince = 0;
        _sealedBytes = _totalBytes;
        EndPart();
    }

    // ---- the writer

    /// <summary>Begins at what is flushed, or behind what another group staged that is not published yet.</summary>
    public void BeginStaging(StagedGroup group)
    {
        bool goesOn = StagedIn is not null;
        StagedIn = group;
        if (goesOn)
        {
            ForgetPublished();
            return;
        }

        StagedNextEntry = NextEntry;
        StagedNextOffset = NextOffset;
        StagedOpenBytes = OpenBytes;
        StagedOpenSince = OpenSince;
        StagedOpenStart = (OpenFirstEntry, OpenFirstOffset);
        _stagedFrom = NextEntry;
        _stagedChecksums = null;
    }

    /// <summary>A group is published, or given up. If none staged here since, the next one begins at what is flushed then.</summary>
    public void EndStaging(StagedGroup group)
    {
        if (StagedIn == group)
        {
            StagedIn = null;
            _stagedChecksums = null;
        }
    }

    public void Stage(LaneEntry entry, uint checksum)
    {
        (_stagedChecksums ??= new List<uint>(1)).Add(checksum);
        StagedNextEntry = entry.Number.Value + 1;
        StagedNextOffset = entry.NextOffset.Value;
    }

    public void StageSkip(long first, long firstOffset)
    {
        if (first >= StagedNextEntry)
        {
            _stagedChecksums = null;
            _stagedFrom = first;
            StagedNextEntry = first;
            StagedNextOffset = firstOffset;
            StageSeal(first, firstOffset);
        }
    }

    public void StageSeal(long nextEntry, long nextOffset)
    {
        StagedOpenStart = (nextEntry, nextOffset);
        StagedOpenBytes = 0;
        StagedOpenSince = 0;
    }

    /// <summary>The checksum of an entry that is here, flushed or staged; <see langword="null"/> when it is no longer kept or cannot be
    /// read. Reads the disk when the entry is in a segment that has ended.</summary>
    public uint? ChecksumOf(long entry)
    {
        if (entry >= _stagedFrom)
        {
            return entry < StagedNextEntry ? _stagedChecksums![(int)(entry - _stagedFrom)] : null;
        }

        return entry >= FirstEntry && entry < NextEntry && PlaceOf(entry) is { IsReadable: true } place ? place.Checksum : null;
    }

    /// <summary>The place of an entry that is kept; reads the disk when it is in a segment that has ended.</summary>
    public EntryPlace PlaceOf(long entry)
    {
        if (Repaired is not null && Repaired.TryGetValue(entry, out EntryPlace place))
        {
            return place;
        }

        LanePart part = Part(PartOf(entry));
        return part.Place((int)(entry - part.FirstEntry));
    }

    private void ForgetPublished()
    {
        int published = (int)Math.Min(_stagedChecksums?.Count ?? 0, NextEntry - _stagedFrom);
        if (published > 0)
        {
            _stagedChecksums!.RemoveRange(0, published);
            _stagedFrom += published;
        }
    }

    private MemoryPart Open(long baseOffset, SegmentContents contents)
    {
        if (_last is not MemoryPart part)
        {
            part = new MemoryPart(NextEntry, baseOffset, _totalBytes);
            Append(part);
            contents.Begins(this, part);
        }

        return part;
    }

    private void Append(LanePart part)
    {
        _parts = _last is null ? _parts : [.. _parts, _last];
        _last = part;
    }

    // Parts before an entry go; a lane that begins anew behind its end begins a part too.
    private void EndPartAt(long first, bool keepsItems)
    {
        int gone = 0;
        while (gone < Parts && Part(gone).NextEntry <= first)
        {
            gone++;
        }

        if (gone == Parts)
        {
            _parts = [];
            _last = null;
        }
        else if (gone > 0)
        {
            _parts = _parts[gone..];
        }

        if (!keepsItems && Parts == 1 && _last is MemoryPart part && part.FirstEntry < first)
        {
            _last = part.Without((int)(first - part.FirstEntry));
        }
    }

    // Entries lost to damage. A lane of which nothing came before begins here: what stood before it in the log was given back; so does
    // one that goes on behind more than could be lost.
    private void FillHole(long until, long baseOffset, SegmentContents contents)
    {
        const int MaxHole = 1 << 20;
        if (until > 0 && (NextEntry == 0 || until - NextEntry > MaxHole))
        {
            SkipTo(until, baseOffset, _totalBytes, contents.KeepsItems);
            return;
        }

        if (NextEntry < until)
        {
            AddHole(until, baseOffset, contents);
        }
    }
}
