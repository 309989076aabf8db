using System.Diagnostics.CodeAnalysis;
using Streams.Core;

namespace Streams.Storage;

/// <summary>Turns the operations of one group into records, against what is flushed, what the group in flight holds, and what the group has
/// so far. Pure but for the clock and chance it was given: no input or output. The writer's own; nothing here is visible to anybody
/// until <see cref="Publish"/>.</summary>
internal sealed partial class Stager
{
    private readonly ContainerState _state;
    private readonly SessionTable _sessions;
    private readonly TimeProvider _time;
    private readonly Random _chance;
    private readonly ContainerOptions _options;
    private readonly StagedGroup[] _groups = [new(), new()];
    private readonly PlainProducer _plain;
    private HybridClock? _clock;
    private (StreamPath Stream, bool IsWritten)? _asked;
    private StagedGroup _open;
    private StagedGroup? _inFlight;
    private int _nextLane;

    // Those of the open group.
    private LogBuffer _buffer;
    private List<StagedRecord> _records;
    private Dictionary<LaneId, LaneState> _newLanes;
    private ProducerLedger _stagedRuns;
    private TopicTable _stagedTopics;
    private Dictionary<StreamPartition, Dictionary<ConsumerName, Cursor>> _commits;
    private HashSet<StreamPath> _changedStreams;
    private HashSet<StateItem> _stagedItems;
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
        Use(_groups[0]);
    }

    /// <summary>The origin under which the next own entry goes; before writing begins, that of the log.</summary>
    public Origin? Origin { get; private set; }

    /// <summary>Whether own entries are taken.</summary>
    public bool IsWriting { get; private set; }

    /// <summary>The group that operations are staged into.</summary>
    public StagedGroup Open => _open;

    /// <summary>The group that is published next: the one in flight, or, if there is none, the open one.</summary>
    public StagedGroup Oldest => _inFlight ?? _open;

    /// <summary>Whether something is staged, be it nothing but an empty group.</summary>
    public bool IsStaged => Oldest.IsStaged;

    private bool ChangesLanes
    {
        set => _open.ChangesLanes = value;
    }

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
        _open.Begin(segment, new StagedGroup.Mark(Origin, IsWriting, _clock));
    }

    /// <summary>The open group will be written and flushed by another thread: what comes is staged into another, behind it.</summary>
    public StagedGroup Detach()
    {
        _inFlight = _open;
        Use(_groups[0] == _open ? _groups[1] : _groups[0]);
        return _inFlight;
    }

    /// <summary>Forgets the last group that was to be written, of which nothing is in the log, and what is staged behind it. What was
    /// staged before it stays, to be published next. Nothing may be staged before that.</summary>
    public void TakeBack()
    {
        if (_inFlight is not null)
        {
            Drop(_open);
        }

        StagedGroup last = Oldest;
        if (last.IsStaged)
        {
            last.Forget(last.RecordsBeforeLast);
            GoBackTo(last.BeforeLast);
        }
    }

    /// <summary>Forgets all that is staged: it was not flushed, and is cut from the log before anything else is written.</summary>
    public void Abandon()
    {
        StagedGroup oldest = Oldest;
        if (oldest.IsStaged)
        {
            Drop(_open);
            Drop(oldest);
            GoBackTo(oldest.Before);
        }

        _inFlight = null;
    }

    private static void Drop(StagedGroup group)
    {
        group.Forget(0);
        group.End();
    }

    // Sessions have moved on with what was staged: their producers say hello again, and hear what is held.
    private void GoBackTo(in StagedGroup.Mark before)
    {
        (Origin, IsWriting, _clock) = (before.Origin, before.IsWriting, before.Clock);
        _nextLane = 0;
        _plain.Restart();
        Fork = null;
        _sessions.EndAll();
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

    /// <summary>Makes the oldest group visible: it is flushed. Under the container's lock.</summary>
    public StagedGroup Publish()
    {
        StagedGroup group = Oldest;
        group.End();
        _inFlight = null;
        _state.Segments.Begin(group.Segment);
        foreach (StagedRecord record in group.Records)
        {
            if (record.Kind == RecordKind.LaneLost)
            {
                record.Publish(_state);                  // the part that the run may begin stands before it in the index
                _state.Contents.Add(record);
                continue;
            }

            _state.Contents.Add(record);
            record.Publish(_state);
        }

        return group;
    }

    [MemberNotNull(nameof(_open), nameof(_buffer), nameof(_records), nameof(_newLanes), nameof(_stagedRuns), nameof(_stagedTopics),
        nameof(_commits), nameof(_changedStreams), nameof(_stagedItems))]
    private void Use(StagedGroup group)
    {
        _open = group;
        _buffer = group.Buffer;
        _records = group.Records;
        _newLanes = group.NewLanes;
        _stagedRuns = group.Runs;
        _stagedTopics = group.Topics;
        _commits = group.Commits;
        _changedStreams = group.ChangedStreams;
        _stagedItems = group.Items;
    }

    private LaneState Lane(LaneId id)
    {
        LaneState? lane = _state.Lanes.Find(id);
        if (lane is null && !_newLanes.TryGetValue(id, out lane))
        {
            if (_inFlight is null || !_inFlight.NewLanes.TryGetValue(id, out lane))
            {
                _nextLane = Math.Max(_nextLane, _state.Lanes.NextNumber);
                lane = new LaneState(id, _nextLane++);
            }

            _newLanes.Add(id, lane);
        }

        if (lane.StagedIn != _open)
        {
            lane.BeginStaging(_open);
            _open.Touched.Add(lane);
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
