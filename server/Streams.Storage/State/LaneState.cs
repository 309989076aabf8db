using Streams.Core;

namespace Streams.Storage;

/// <summary>A lane here: what is flushed (read under the container's lock, changed by publishing only), and, behind it, what the writer has
/// staged in the group under way (the writer's own).</summary>
internal sealed class LaneState(LaneId id, int number)
{
    // Most lanes are idle most of the time: what only some need is made when it is needed.
    private List<uint>? _stagedChecksums;
    private List<SealedRun>? _sealed;
    private long _stagedFrom;

    public LaneId Id => id;

    /// <summary>The number that stands for the lane in the log.</summary>
    public int Number => number;

    public LaneIndex Index { get; } = new();

    public long FirstEntry { get; private set; }

    public long FirstOffset { get; private set; }

    public long NextEntry { get; private set; }

    public long NextOffset { get; private set; }

    public long Bytes { get; private set; }

    /// <summary>The sealed partitionlets, oldest first.</summary>
    public IReadOnlyList<SealedRun> Sealed => _sealed ?? (IReadOnlyList<SealedRun>)[];

    /// <summary>The partitionlet being written.</summary>
    public long OpenFirstEntry { get; private set; }

    public long OpenFirstOffset { get; private set; }

    public long OpenBytes { get; private set; }

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

    public void Add(long entry, long nextOffset, long appendedAt, in EntryPlace place)
    {
        FillHole(entry, NextOffset);
        Index.Add(place);
        NextEntry = entry + 1;
        NextOffset = nextOffset;
        Bytes += RecordHeader.Size + place.BodyLength;
        OpenBytes += RecordHeader.Size + place.BodyLength;
        OpenSince = OpenSince == 0 ? appendedAt : OpenSince;
    }

    public void SkipTo(long first, long firstOffset)
    {
        if (first <= FirstEntry && FirstEntry > 0)
        {
            return;                                  // two trims that crossed: a copy never begins earlier again
        }

        if (first >= NextEntry)
        {
            Index.RemoveFront(Index.Count);
            NextEntry = first;
            NextOffset = firstOffset;
            Bytes = 0;
        }
        else
        {
            int gone = (int)(first - FirstEntry);
            for (int i = 0; i < gone; i++)
            {
                Bytes -= Index[i].IsReadable ? RecordHeader.Size + Index[i].BodyLength : 0;
            }

            Index.RemoveFront(gone);
        }

        FirstEntry = first;
        FirstOffset = firstOffset;
        _sealed?.RemoveAll(s => s.NextEntry <= first);
        if (OpenFirstEntry < first)
        {
            OpenFirstEntry = first;
            OpenFirstOffset = firstOffset;
            OpenBytes = Bytes;
        }
    }

    public void SealRun(SealedRun run)
    {
        (_sealed ??= []).Add(run);
        OpenFirstEntry = run.NextEntry;
        OpenFirstOffset = run.NextOffset;
        OpenBytes = 0;
        OpenSince = 0;
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

    /// <summary>The group is published. If none staged here since, the next one begins at what is flushed then.</summary>
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
    /// read.</summary>
    public uint? ChecksumOf(long entry)
    {
        if (entry >= _stagedFrom)
        {
            return entry < StagedNextEntry ? _stagedChecksums![(int)(entry - _stagedFrom)] : null;
        }

        long at = entry - FirstEntry;
        return at >= 0 && at < Index.Count && Index[(int)at].IsReadable ? Index[(int)at].Checksum : null;
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

    // Entries lost to damage. A lane that begins behind more than could be lost so begins there.
    private void FillHole(long until, long baseOffset)
    {
        const int MaxHole = 1 << 20;
        if (until - NextEntry > MaxHole)
        {
            SkipTo(until, baseOffset);
            return;
        }

        while (NextEntry < until)
        {
            Index.Add(new EntryPlace(-1, 0, 0, baseOffset));
            NextEntry++;
        }
    }
}
