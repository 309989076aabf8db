namespace Streams.Core;

/// <summary>Walks the events of a batch body. On bytes not yet checked it stops at the first malformed event and sets
/// <see cref="Failed"/>.</summary>
public ref struct EventEnumerator
{
    internal const byte HasKey = 1;
    internal const byte SameTopic = 2;
    internal const byte HasHeaders = 4;
    internal const byte IsRetained = 8;

    private readonly BatchHeader _header;
    private ByteReader _reader;
    private ReadOnlyMemory<byte> _topic;
    private int _index;

    internal EventEnumerator(ReadOnlyMemory<byte> body, BatchHeader header)
    {
        _header = header;
        _reader = new ByteReader(body);
    }

    /// <summary>The event that the last <see cref="MoveNext"/> reached.</summary>
    public EventView Current { get; private set; }

    /// <summary>Whether the body turned out to be malformed.</summary>
    public readonly bool Failed => _reader.Failed;

    /// <summary>Goes to the next event; false at the end or at a malformed one.</summary>
    public bool MoveNext()
    {
        if (_reader.Failed || _reader.Remaining == 0)
        {
            return false;
        }

        if (_index >= _header.Count)
        {
            _reader.Fail();                          // bytes behind the last event
            return false;
        }

        ByteReader record = new(_reader.Block(EventLimits.MaxBatchBytes));
        if (!_reader.Failed && TryReadEvent(ref record, out EventView view))
        {
            Current = view;
            _index++;
            return true;
        }

        _reader.Fail();
        return false;
    }

    private bool TryReadEvent(scoped ref ByteReader record, out EventView view)
    {
        byte flags = record.Byte();
        long delta = record.SignedVarint();
        bool sameTopic = (flags & SameTopic) != 0;
        ReadOnlyMemory<byte> topic = sameTopic ? _topic : record.Block(TopicName.MaxBytes);
        ReadOnlyMemory<byte> key = (flags & HasKey) != 0 ? record.Block(EventLimits.MaxKeyBytes) : default;
        ReadOnlyMemory<byte> headers = (flags & HasHeaders) != 0 ? record.Block(EventLimits.MaxHeaderBytes) : default;
        ReadOnlyMemory<byte> payload = record.Rest();
        view = new EventView
        {
            Index = _index,
            TimestampMicroseconds = unchecked(_header.BaseTimestamp + delta),
            Topic = topic,
            Key = key,
            Headers = headers,
            Payload = payload,
            IsRetained = (flags & IsRetained) != 0,
        };
        bool ok = !record.Failed && (flags & ~(HasKey | SameTopic | HasHeaders | IsRetained)) == 0 && !(sameTopic && _index == 0)
            && payload.Length <= EventLimits.MaxPayloadBytes && (sameTopic || TopicName.IsValid(topic.Span))
            && EventHeader.IsValid(headers);
        _topic = topic;
        return ok;
    }
}
