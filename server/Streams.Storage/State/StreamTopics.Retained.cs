using Streams.Core;

namespace Streams.Storage;

/// <summary>Which event is the retained message of a topic.</summary>
internal sealed partial class StreamTopics
{
    private RetainedTable? _retained;

    /// <summary>How many topics have, or had, a retained message.</summary>
    public int RetainedCount => _retained?.Count ?? 0;

    /// <summary>The row of a topic; -1 when it is not known.</summary>
    public int RowOf(ulong hash, ReadOnlySpan<byte> topic) => Find(hash, topic);

    /// <summary>A topic's name as memory that does not change.</summary>
    public ReadOnlyMemory<byte> NameOf(int row) => _names.Memory(_rows[row].Name);

    /// <summary>Joins a mark; whether another event is the retained one of the topic now.</summary>
    public bool JoinRetained(int topic, in RetainedMark mark)
    {
        _retained ??= new RetainedTable(revision);
        ref Row row = ref _rows[topic];
        if (row.Retained == 0)
        {
            row.Retained = _retained.Add(topic, mark) + 1;
            return true;
        }

        return _retained.Join(row.Retained - 1, mark);
    }

    /// <summary>The retained event of a topic, or <see langword="null"/> when it never had one.</summary>
    public RetainedMark? Retained(ulong hash, ReadOnlySpan<byte> topic) =>
        _retained is not null && Find(hash, topic) is var found and >= 0 && _rows[found].Retained is var row and > 0
            ? _retained[row - 1] : null;

    /// <summary>The retained event by its number, below <see cref="RetainedCount"/>, with the topic's row.</summary>
    public (int Topic, RetainedMark Mark) RetainedAt(int index) => (_retained!.TopicOf(index), _retained[index]);

    /// <summary>Whether a retained event, or where it stands, changed since a revision.</summary>
    public bool IsRetainedChanged(int index, long since) => _retained!.IsChanged(index, since);
}
