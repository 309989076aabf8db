using Streams.Core;

namespace Streams.Gateways;

/// <summary>A stored batch in a reader's read-ahead.</summary>
/// <param name="baseOffset">Offset of its first event.</param>
/// <param name="after">What must be passed first (rule R5).</param>
/// <param name="batch">The batch, parsed.</param>
/// <param name="arrivedAt">When the reader got it: the patience of rule R15 begins here.</param>
/// <param name="lease">The memory it lives in, given back when the reader is done with it; or <see langword="null"/>.</param>
public sealed class LaneBatch(Offset baseOffset, AfterVector after, EventBatch batch, TimeSpan arrivedAt, IDisposable? lease = null)
{
    private IDisposable? _lease = lease;

    /// <summary>Offset of its first event.</summary>
    public Offset BaseOffset { get; } = baseOffset;

    /// <summary>Offset behind its last event.</summary>
    public Offset NextOffset { get; } = baseOffset + batch.Header.Count;

    /// <summary>What must be passed first.</summary>
    public AfterVector After { get; } = after;

    /// <summary>The batch.</summary>
    public EventBatch Batch { get; } = batch;

    /// <summary>When the reader got it.</summary>
    public TimeSpan ArrivedAt { get; } = arrivedAt;

    /// <summary>Bytes it takes in the read-ahead: as stored, and unpacked where it is compressed.</summary>
    public int Bytes => Batch.Bytes.Length + (Batch.Header.Compression == BatchCompression.None ? 0 : Batch.Header.BodyLength);

    /// <summary>Gives its memory back; views of its events must not be used after it.</summary>
    public void Release()
    {
        _lease?.Dispose();
        _lease = null;
    }
}
