using System.Buffers.Binary;

namespace Streams.Client;

/// <summary>What the stage needs where its events are sealed. Used by the writer's thread alone.</summary>
internal sealed class StageSeal(RowSealer sealer, SealKeys keys) : IDisposable
{
    private readonly RowOpener _opener = new(keys);
    private byte[] _name = new byte[256];

    /// <summary>Seals what is staged.</summary>
    public RowSealer Sealer => sealer;

    /// <summary>Keys before the current one.</summary>
    public IReadOnlyList<long> Earlier { get; } = [.. keys.All.Where(k => k != keys.Current)];

    /// <summary>A number for a topic and key: that of the key is not to be told from it.</summary>
    public long SlotOf(long seal, long partition, ReadOnlySpan<byte> topic, ReadOnlySpan<byte> key)
    {
        int length = 12 + topic.Length + key.Length;
        if (_name.Length < length)
        {
            _name = new byte[2 * length];
        }

        BinaryPrimitives.WriteInt64LittleEndian(_name, partition);
        BinaryPrimitives.WriteInt32LittleEndian(_name.AsSpan(8), topic.Length);
        topic.CopyTo(_name.AsSpan(12));
        key.CopyTo(_name.AsSpan(12 + topic.Length));
        return keys.Slot(seal, _name.AsSpan(0, length));
    }

    /// <summary>Whether a sealed row has this key.</summary>
    public bool IsKey(long seal, in StagedRow row, ReadOnlySpan<byte> content, ReadOnlySpan<byte> key) =>
        _opener.TryOpen(seal, row.At, row.Topic, content, out OpenedRow opened) && opened.Key.SequenceEqual(key);

    /// <inheritdoc/>
    public void Dispose() => _opener.Dispose();
}

/// <summary>The columns of an event's content as they are written.</summary>
internal readonly ref struct RowContent(ReadOnlySpan<byte> key, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload)
{
    private readonly ReadOnlySpan<byte> _key = key;
    private readonly ReadOnlySpan<byte> _headers = headers;
    private readonly ReadOnlySpan<byte> _payload = payload;

    /// <summary>Takes it apart.</summary>
    public void Deconstruct(out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> headers, out ReadOnlySpan<byte> payload)
    {
        key = _key;
        headers = _headers;
        payload = _payload;
    }
}
