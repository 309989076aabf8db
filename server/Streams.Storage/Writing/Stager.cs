using Streams.Core;

namespace Streams.Storage;

/// <summary>Turns the operations of one group into records, against what is flushed and what the group has so far. Pure but for the
/// clock and chance it was given: no input or output. The writer's own; nothing here is visible to anybody until
/// <see cref="Publish"/>.</summary>
internal sealed partial class Stager
{
    // A rare giant group must not hold memory for ever.
    private const int KeptRecords = 256;

    private readonly ContainerState _state;
    private readonly SessionTable _sessions;
    private readonly TimeProvider _time;
    private readonly Random _chance;
    private readonly ContainerOptions _options;
    private readonly LogBuffer _buffer = new();
    private readonly List<StagedRecord> _records = [];
    private readonly Dictionary<LaneId, LaneState> _newLanes = [];
    private readonly List<LaneState> _touched = [];
    private readonly ProducerLedger _stagedRuns = new();
    private readonly TopicTable _stagedTopics = new(new StateRevision());
    private readonly Dictionary<StreamPartition, Dictionary<ConsumerName, Cursor>> _commits = [];
    private readonly HashSet<StreamPath> _changedStreams = [];
    private readonly HashSet<StateItem> _stagedItems = new(ItemBytes.Instance);
    private readonly PlainProducer _plain;
    private HybridClock? _clock;
    private (StreamPath Stream, bool IsWritten)? _asked;
    private bool _isPublished = true;
    private int _recordsBefore;
    private (Origin? Origin, bool IsWriting, HybridClock? Clock) _before;
    private (Origin? Origin, bool IsWriting, HybridClock? Clock) _published;
    private long _segment;
    private long _now;

    public Stager(ContainerState state, SessionTable sessions, TimeProvider time, Random chance, ContainerOptions options)
    {
        _state = state;
        _sessions = sessions;
        _time = time;
        _chance = chance;
        _options = options;
        _plain = new PlainProducer(chance, options.PlainBatchBytes);
        Origin = state.OwnOrigin;
    }

    /// <summary>The origin under which the next own entry goes; before writing begins, that of the log.</summary>
    public Origin? Origin { get; private set; }

    /// <summary>Whether own entries are taken.</summary>
    public bool IsWriting { get; private set; }

    /// <summary>Whether publishing makes lanes longer.</summary>
    public bool ChangesLanes { get; private set; }

    /// <summary>The streams that publishing changes.</summary>
    public IReadOnlyCollection<StreamPath> ChangedStreams => _changedStreams;

    public ReadOnlySpan<byte> Bytes => _buffer.WrittenSpan;

    public int Records => _records.Count;

    /// <summary>Begins a group that will be written at <paramref name="position"/>, in the segment that begins at
    /// <paramref name="segment"/>. What earlier groups staged and is not published yet stays staged.</summary>
    public void Begin(long position, long segment, uint group)
    {
        _buffer.Begin(position, group);
        _segment = segment;
        _now = (_time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
        _asked = null;
        _marks.Clear();
        _boundAt = -1;
        _before = (Origin, IsWriting, _clock);
        _recordsBefore = _records.Count;
        if (!_isPublished)
        {
            return;
        }

        _isPublished = false;
        _published = _before;
        _recordsBefore = 0;
        ClearRecords();
        _newLanes.Clear();
        _stagedRuns.Clear();
        _stagedTopics.Clear();
        ClearStamps();
        _commits.Clear();
        _changedStreams.Clear();
        ChangesLanes = false;
        foreach (LaneState lane in _touched)
        {
            lane.EndStaging();
        }

        _touched.Clear();
    }

    /// <summary>Whether something is staged, be it nothing but an empty group.</summary>
    public bool IsStaged => !_isPublished;

    /// <summary>Forgets the last group, of which nothing is in the log: what was staged before it stays, to be published next. Nothing may
    /// be staged before that.</summary>
    public void TakeBack() => Forget(_recordsBefore, _before);

    /// <summary>Forgets all that is staged: it was not flushed, and is cut from the log before anything else is written.</summary>
    public void Abandon()
    {
        Forget(0, _published);
        _changedStreams.Clear();
        ChangesLanes = false;
        _isPublished = true;
    }

    // Sessions have moved on with what was staged: their producers say hello again, and hear what is held.
    private void Forget(int kept, (Origin? Origin, bool IsWriting, HybridClock? Clock) before)
    {
        if (_isPublished)
        {
            return;
        }

        for (int i = kept; i < _records.Count; i++)
        {
            if (_records[i] is { Kind: RecordKind.LaneDeclared, Lane: { } lane })
            {
                lane.DeclaredIn = -1;
            }
        }

        _records.RemoveRange(kept, _records.Count - kept);
        (Origin, IsWriting, _clock) = before;
        _plain.Restart();
        Fork = null;
        _sessions.EndAll();
    }

    private void ClearRecords()
    {
        _records.Clear();
        _stagedItems.Clear();
        if (_records.Capacity > KeptRecords)
        {
            _records.Capacity = KeptRecords;
            _stagedItems.TrimExcess();
        }
    }

    /// <summary>Stages what was gathered over the group: plain batches, cursor commits and marks.</summary>
    public void Finish()
    {
        while (_plain.TryNextOpen(out StreamPartition partition))
        {
            ClosePlain(partition);
        }

        foreach ((StreamPartition partition, Dictionary<ConsumerName, Cursor> commits) in _commits)
        {
            StageCommits(partition, commits);
        }

        StageMarks();
        EndBound();
    }

    /// <summary>Whether events of a stream are acknowledged when they are written.</summary>
    public bool IsWritten(StreamPath stream)
    {
        if (_asked is not { } asked || asked.Stream != stream)
        {
            _asked = asked = (stream, _state.Settings(stream)?.Durability == Durability.Written);
        }

        return asked.IsWritten;
    }

    /// <summary>Makes all that is staged visible: it is flushed. Under the container's lock.</summary>
    public void Publish()
    {
        _isPublished = true;
        _state.Segments.Begin(_segment);
        foreach (StagedRecord record in _records)
        {
            _state.Contents.Add(record);
            record.Publish(_state);
        }
    }

    private LaneState Lane(LaneId id)
    {
        LaneState? lane = _state.Lanes.Find(id) ?? _newLanes.GetValueOrDefault(id);
        if (lane is null)
        {
            lane = new LaneState(id, _state.Lanes.NextNumber + _newLanes.Count);
            _newLanes.Add(id, lane);
        }

        if (!lane.IsStaged)
        {
            lane.BeginStaging();
            _touched.Add(lane);
        }

        return lane;
    }

    private void Declare(LaneState lane)
    {
        if (lane.DeclaredIn != _segment)
        {
            _buffer.BeginRecord();
            RecordBodies.WriteDeclared(_buffer, lane.Number, lane.Id);
            _buffer.EndRecord(RecordKind.LaneDeclared);
            _records.Add(new StagedRecord(RecordKind.LaneDeclared, lane, null, default, default));
            lane.DeclaredIn = _segment;
        }
    }

    /// <summary>Stages an entry at its number; the lane must stand there.</summary>
    private void StageEntry(LaneState lane, LaneEntry entry, in BatchHeader batch, BatchTopics? topics)
    {
        Declare(lane);
        SealIfFull(lane, entry);
        _buffer.BeginRecord();
        RecordBodies.WriteEntry(_buffer, lane.Number, entry);
        (long position, int length) = _buffer.EndRecord(RecordKind.LaneEntry);
        uint checksum = Crc32C.Compute(entry.Body.Span);
        lane.Stage(entry, checksum);
        lane.StagedOpenBytes += RecordHeader.PaddedLength(length);
        lane.StagedOpenSince = lane.StagedOpenSince == 0 ? entry.AppendedAt : lane.StagedOpenSince;
        _records.Add(new StagedRecord(RecordKind.LaneEntry, lane, entry,
            new EntryPlace(position, length, checksum, entry.BaseOffset.Value), batch, topics));
        if (entry.Kind == EntryKind.Events)
        {
            _stagedRuns.Add(lane.Id.Partition, new HeldRun(batch.Run, lane.Id.Origin, entry.BaseOffset), out _);
            NoteStamps(lane.Id.Partition.Stream, topics!);
        }

        ChangesLanes = true;
        _changedStreams.Add(lane.Id.Partition.Stream);
    }

    private void SealIfFull(LaneState lane, LaneEntry next)
    {
        bool old = lane.StagedOpenSince > 0 && _options.PartitionletAge != TimeSpan.MaxValue
            && _now - lane.StagedOpenSince > _options.PartitionletAge.TotalMicroseconds;
        if (lane.StagedOpenBytes > 0 && (old || lane.StagedOpenBytes >= _options.PartitionletBytes))
        {
            (long entry, long offset) = lane.StagedOpenStart;
            SealedRun run = new(entry, offset, next.Number.Value, next.BaseOffset.Value, lane.StagedOpenBytes);
            _buffer.BeginRecord();
            RecordBodies.WriteSealed(_buffer, lane.Number, run);
            _buffer.EndRecord(RecordKind.PartitionletSealed);
            _records.Add(new StagedRecord(RecordKind.PartitionletSealed, lane, run, default, default));
            lane.StageSeal(next.Number.Value, next.BaseOffset.Value);
        }
    }
}
