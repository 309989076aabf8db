using Streams.Core;

namespace Streams.Storage;

/// <summary>Marks: sets of numbers in registers, changed in one group with the events that they speak of.</summary>
/// <remarks>The sets of a group are gathered and each is written once at its end. They live no longer than the group: one with marks is
/// flushed, or nothing of it is left.</remarks>
internal sealed partial class Stager
{
    private const int FactBytes = 1 << 20;            // of one entry of registers: far below the limit

    private readonly Dictionary<(StreamPath Stream, string Key), StagedMarks> _marks = [];
    private int _boundAt = -1;

    /// <summary>An event that is appended and marked; false when it is marked already, and nothing is done.</summary>
    public bool AppendOnce(StreamPartition partition, AppendPlainOperation operation, in Mark mark, bool isNew)
    {
        RequireWriting();
        StagedMarks marks = MarksOf(mark);
        bool isMarked = marks.Numbers.Contains(mark.Number);
        if (isMarked && !isNew)
        {
            return false;
        }

        if (!isMarked && marks.Numbers.Count >= mark.MaxCount)
        {
            throw new InvalidRequestException($"{marks.Numbers.Count} messages are taken and not released, at most {mark.MaxCount} may be");
        }

        AppendPlain(partition, operation);           // it waits for the end of its batch, or is refused
        Bind();
        if (!isMarked)
        {
            marks.Numbers.Add(mark.Number);
            marks.IsChanged = true;
        }

        return true;
    }

    /// <summary>A mark that goes; whether it was there. Of another owner's it takes none.</summary>
    public bool ClearMark(in Mark mark)
    {
        RequireWriting();
        StagedMarks marks = MarksOf(mark);
        bool was = marks.Numbers.Remove(mark.Number);
        marks.IsChanged |= was;
        return was;
    }

    private StagedMarks MarksOf(in Mark mark)
    {
        if (!_marks.TryGetValue((mark.Stream, mark.Key), out StagedMarks? marks))
        {
            ReadOnlyMemory<byte> value = _state.Registers.Get(mark.Stream, mark.Key)?.Value ?? default;
            marks = new StagedMarks(MarkedNumbers.Of(mark.Owner, value));
            _marks.Add((mark.Stream, mark.Key), marks);
        }
        else if (marks.Numbers.Owner != mark.Owner)
        {
            marks = new StagedMarks(new MarkedNumbers(mark.Owner)) { IsChanged = true };
            _marks[(mark.Stream, mark.Key)] = marks;
        }

        return marks;
    }

    // What is staged from here on is in the log as a whole or not at all: its length is filled in when the group is complete.
    private void Bind()
    {
        if (_boundAt < 0)
        {
            _boundAt = _buffer.Written;
            WriteBound(0);
        }
    }

    private void EndBound()
    {
        if (_boundAt >= 0)
        {
            int behind = _boundAt + RecordHeader.PaddedLength(sizeof(uint));
            int length = _buffer.Written - behind;
            _buffer.Rewrite(_ => WriteBound(length), _boundAt);
            _boundAt = -1;
        }
    }

    private void WriteBound(int length)
    {
        _buffer.BeginRecord();
        RecordBodies.WriteBound(_buffer, length);
        _buffer.EndRecord(RecordKind.Bound);
    }

    private void StageMarks()
    {
        if (_marks.Count == 0)
        {
            return;
        }

        foreach (IGrouping<StreamPath, KeyValuePair<(StreamPath Stream, string Key), StagedMarks>> stream in
            _marks.Where(static m => m.Value.IsChanged).GroupBy(static m => m.Key.Stream))
        {
            StageMarks(stream.Key, stream);
        }

        _marks.Clear();
    }

    private void StageMarks(StreamPath stream, IEnumerable<KeyValuePair<(StreamPath Stream, string Key), StagedMarks>> changed)
    {
        List<RegisterFact> facts = [];
        int bytes = 0;
        foreach (((_, string key), StagedMarks marks) in changed)
        {
            byte[] value = marks.Numbers.Write();
            if (facts.Count == RegisterFacts.MaxCount || bytes + value.Length > FactBytes)
            {
                StageRegisters(stream, facts);
                facts.Clear();
                bytes = 0;
            }

            facts.Add(new RegisterFact(key, NextMoment(), value));
            bytes += value.Length + RegisterFact.MaxKeyBytes;
        }

        StageRegisters(stream, facts);
    }

    private void StageRegisters(StreamPath stream, List<RegisterFact> facts) =>
        AppendOwn(new StreamPartition(stream, default), EntryKind.Registers, 0, AfterVector.Empty, RegisterFacts.Write(facts), default);

    private sealed class StagedMarks(MarkedNumbers numbers)
    {
        public MarkedNumbers Numbers => numbers;

        public bool IsChanged { get; set; }
    }
}
