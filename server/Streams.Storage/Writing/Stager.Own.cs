using Streams.Core;

namespace Streams.Storage;

/// <summary>What goes into the own lanes: events, cursors, registers, and the entries that announce lanes and topics.</summary>
internal sealed partial class Stager
{
    // A body of commits or facts stays far below the limit of an entry.
    private const int CommitBytes = 1 << 20;

    /// <summary>A batch of a session (rules R1, R2, R4, R6).</summary>
    public ProduceResult Produce(ProducerSession session, StreamPartition partition, AfterVector after, EventBatch batch,
        BatchTopics topics)
    {
        BatchHeader header = batch.Header;
        if (!IsWriting)
        {
            _sessions.End(session);
            return ProduceResult.Refused(ProduceRefusal.NotWriting, "the store is not writing yet");
        }

        if (header.Producer != session.Producer)
        {
            _sessions.End(session);
            return ProduceResult.Refused(ProduceRefusal.Invalid,
                $"the batch is of producer {header.Producer}, the session of {session.Producer}");
        }

        LaneId id = new(partition, Origin!.Value);
        ProduceDecision decision = ProduceDecision.Decide(_sessions, _state.Ledger, _inFlight?.Runs, _stagedRuns, session, id, header);
        if (decision.Refusal != ProduceRefusal.None)
        {
            return ProduceResult.Refused(decision.Refusal, decision.Detail);
        }

        if (decision.Held is { } held)
        {
            return ProduceResult.At(held);
        }

        ClosePlain(partition);
        LaneEntry entry = AppendEvents(partition, after, batch, topics);
        return ProduceResult.At([new PlacedRun(header.FirstSequence, header.LastSequence, id.Origin, entry.BaseOffset)]);
    }

    /// <summary>An event of a client without an outbox; it may share a batch with others of the group.</summary>
    public void AppendPlain(StreamPartition partition, AppendPlainOperation operation)
    {
        RequireWriting();
        if (operation.Plain.IsRetained)
        {
            operation.StampAt(StampRetained(partition.Stream, operation.Plain));
        }

        if (!_plain.TryAdd(partition, operation))
        {
            ClosePlain(partition);
            _ = _plain.TryAdd(partition, operation);
        }
    }

    /// <summary>A cursor: joined with those of its partition, and written at the end of the group if that changes anything.</summary>
    public void Commit(ConsumerName consumer, StreamPartition partition, Cursor cursor)
    {
        RequireWriting();
        Dictionary<ConsumerName, Cursor>? commits = _commits.GetValueOrDefault(partition);
        Cursor kept = _state.Cursors.Get(consumer, partition);
        if ((commits is not null && commits.TryGetValue(consumer, out Cursor? staged))
            || (_inFlight is not null && _inFlight.Commits.TryGetValue(partition, out Dictionary<ConsumerName, Cursor>? flying)
            && flying.TryGetValue(consumer, out staged)))
        {
            kept = staged;
        }

        Cursor joined = Cursor.Join(kept, cursor);
        if (ReferenceEquals(joined, kept))
        {
            return;
        }

        if (commits is null)
        {
            _commits[partition] = commits = [];
        }

        commits[consumer] = joined;
    }

    /// <summary>A register of a stream, in the lane of its first partition. What nobody chose, but is written because there is nothing
    /// yet, has the earliest of all moments: else a stream made by its first event would win over settings chosen elsewhere.</summary>
    public void SetRegister(StreamPath stream, string key, ReadOnlyMemory<byte> value, bool onlyIfNew)
    {
        RequireWriting();
        if (!onlyIfNew || _state.Settings(stream) is null)
        {
            RegisterFact fact = _state.Registers.Joined(stream, new RegisterFact(key,
                onlyIfNew ? new HybridTimestamp(0, Origin!.Value.Cluster) : NextMoment(), value));
            AppendOwn(new StreamPartition(stream, default), EntryKind.Registers, 0, AfterVector.Empty, RegisterFacts.Write([fact]),
                default);
        }
    }

    /// <summary>A register of a stream, replaced at the moment right behind the one at which it is known: it loses to all that was written
    /// later, also where that has not come yet.</summary>
    public void ReplaceRegister(StreamPath stream, in RegisterFact known, ReadOnlyMemory<byte> value)
    {
        RequireWriting();
        RegisterFact fact = new(known.Key, known.At.Successor(Origin!.Value.Cluster), value);
        if (_state.Registers.WouldChange(stream, fact))
        {
            AppendOwn(new StreamPartition(stream, default), EntryKind.Registers, 0, AfterVector.Empty, RegisterFacts.Write([fact]),
                default);
        }
    }

    /// <summary>Begins to write under an origin, or, given none, under a new incarnation (rules R14, R15).</summary>
    public Origin SetOrigin(Origin? wanted)
    {
        Origin origin = wanted ?? NextIncarnation();
        if (_state.Origins.Latest(origin.Cluster) is { } latest && latest > origin.Incarnation)
        {
            throw new InvalidRequestException($"origin {origin} is closed: incarnation {latest} is known");
        }

        while (_plain.TryNextOpen(out StreamPartition partition))
        {
            ClosePlain(partition);
        }

        if (Origin != origin || !IsWriting)
        {
            _sessions.EndAll();
        }

        if (Origin != origin)
        {
            StageOrigin(origin);
            ChangesLanes = true;                     // links must hear of it
        }

        Origin = origin;
        IsWriting = true;
        _clock = new HybridClock(_time, origin.Cluster);
        return origin;
    }

    private void StageOrigin(Origin origin)
    {
        _buffer.BeginRecord();
        RecordBodies.WriteOrigin(_buffer, origin);
        _buffer.EndRecord(RecordKind.OriginSet);
        _records.Add(new StagedRecord(RecordKind.OriginSet, null, origin, default, default));
    }

    private Origin NextIncarnation()
    {
        RequireWriting();
        ClusterName own = Origin!.Value.Cluster;
        Incarnation known = _state.Origins.Latest(own) ?? Origin.Value.Incarnation;
        return new Origin(own, Incarnation.After(known, _time, _chance));
    }

    private void RequireWriting()
    {
        if (!IsWriting)
        {
            throw new TryAgainException("the store is not writing yet");
        }
    }

    private HybridTimestamp NextMoment()
    {
        _clock!.Observe(_state.Latest);
        return _clock.Next();
    }

    private void ClosePlain(StreamPartition partition)
    {
        if (_plain.TryClose(partition, out EventBatch? batch, out IReadOnlyList<AppendPlainOperation> operations))
        {
            LaneEntry entry = AppendEvents(partition, AfterVector.Empty, batch!, BatchTopics.Of(batch!));
            for (int i = 0; i < operations.Count; i++)
            {
                operations[i].PlaceAt(new EventPlace(Origin!.Value, entry.BaseOffset + i));
            }
        }
    }

    private LaneEntry AppendEvents(StreamPartition partition, AfterVector after, EventBatch batch, BatchTopics topics)
    {
        AppendNewTopics(partition, topics);
        return AppendOwn(partition, EntryKind.Events, batch.Header.Count, after.Without(Origin!.Value), batch.Bytes, batch.Header, topics);
    }

    // Topics stand before the events that first use them, in the same lane: whoever has the events has the topics.
    private void AppendNewTopics(StreamPartition partition, BatchTopics topics)
    {
        List<TopicFact>? facts = null;
        StreamTopics? staged = _stagedTopics.Of(partition.Stream);
        StreamTopics? flying = _inFlight?.Topics.Of(partition.Stream);
        ReadOnlySpan<TopicMention> mentions = topics.Mentions;
        Span<int> rows = topics.Rows;
        Resolve(partition.Stream, topics);
        for (int i = 0; i < mentions.Length; i++)
        {
            if (rows[i] >= 0)
            {
                continue;
            }

            ReadOnlySpan<byte> topic = mentions[i].Topic.Span;
            StreamTopics? knowing = staged?.Contains(mentions[i].Hash, topic) ?? false ? staged
                : flying?.Contains(mentions[i].Hash, topic) ?? false ? flying : null;
            if (knowing is null)
            {
                TopicFact fact = new(TopicName.FromValidated(topic), NextMoment());
                _stagedTopics.Join(partition.Stream, fact);
                knowing = staged ??= _stagedTopics.Of(partition.Stream)!;
                (facts ??= []).Add(fact);
            }

            // It is looked up once more when the batch is made visible. That may be after its caller was answered, who may use its
            // memory for something else by then.
            topics.Keep(i, knowing.NameOf(knowing.RowOf(mentions[i].Hash, topic)));
        }

        if (facts is not null)
        {
            foreach (List<TopicFact> piece in StateItems.Pieces(facts))
            {
                AppendOwn(partition, EntryKind.Topics, 0, AfterVector.Empty, TopicFacts.Write(piece), default);
            }
        }
    }

    private void Resolve(StreamPath stream, BatchTopics topics)
    {
        if (_state.Topics.Of(stream) is { } known)
        {
            known.Find(topics.Mentions, topics.Rows);
        }
        else
        {
            topics.Rows.Fill(-1);
        }
    }

    private void StageCommits(StreamPartition partition, Dictionary<ConsumerName, Cursor> commits)
    {
        const int LaneBytes = 56;                     // of a position or a jump: origin and offsets
        List<KeyValuePair<ConsumerName, Cursor>> piece = [];
        int bytes = 0;
        foreach (KeyValuePair<ConsumerName, Cursor> commit in commits)
        {
            int cost = ConsumerName.MaxBytes + LaneBytes + LaneBytes * (commit.Value.Positions.Count + (2 * commit.Value.Jumps.Count));
            if (piece.Count == CursorCommits.MaxCount || (piece.Count > 0 && bytes + cost > CommitBytes))
            {
                AppendOwn(partition, EntryKind.Cursors, 0, AfterVector.Empty, CursorCommits.Write(piece), default);
                piece.Clear();
                bytes = 0;
            }

            piece.Add(commit);
            bytes += cost;
        }

        AppendOwn(partition, EntryKind.Cursors, 0, AfterVector.Empty, CursorCommits.Write(piece), default);
    }

    // The first entry of a lane announces the incarnation (rule R15).
    private LaneEntry AppendOwn(StreamPartition partition, EntryKind kind, int events, AfterVector after, ReadOnlyMemory<byte> body,
        in BatchHeader batch, BatchTopics? topics = null)
    {
        LaneState lane = Lane(new LaneId(partition, Origin!.Value));
        if (lane.StagedNextEntry == 0)
        {
            StageEntry(lane, Make(lane, EntryKind.Opened, 0, AfterVector.Empty, default), default, null);
        }

        LaneEntry entry = Make(lane, kind, events, after, body);
        StageEntry(lane, entry, batch, topics);
        return entry;
    }

    private LaneEntry Make(LaneState lane, EntryKind kind, int events, AfterVector after, ReadOnlyMemory<byte> body) => new()
    {
        Number = new EntryNumber(lane.StagedNextEntry),
        Kind = kind,
        BaseOffset = new Offset(lane.StagedNextOffset),
        EventCount = events,
        AppendedAt = _now,
        After = after,
        Path = ReplicationPath.StartingAt(lane.Id.Origin),
        Body = body,
    };
}
