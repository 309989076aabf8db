using Streams.Core;

namespace Streams.Client;

/// <summary>Writes bundles: the batches of what was read, compressed where that pays.</summary>
/// <remarks>Not safe for several threads.</remarks>
internal sealed class BundleWriter(IManyWaitingEvents events, BatchCompression compression) : IDisposable
{
    // Trials of so many streams are kept; when there are more, trying begins anew.
    private const int MaxTrials = 1024;

    private readonly Dictionary<StreamPath, CompressionTrial> _trials = [];
    private readonly RentedBuffer _batch = new();

    /// <summary>Begins a bundle.</summary>
    public static void Begin(RentedBuffer payload)
    {
        ByteWriter writer = new(payload);
        Bundle.WriteHead(ref writer, 0);
    }

    /// <summary>Adds the batch of what was read last.</summary>
    public void Add(RentedBuffer payload, OutgoingBatch batch, int body)
    {
        _batch.Clear();
        ByteWriter request = new(_batch);
        new ProduceRequest(batch.Partition, batch.After.Join(events.After), default).WriteHead(ref request);
        CompressionTrial? trial = compression == BatchCompression.None ? null : Trial(batch.Partition.Stream);
        bool tries = trial?.ShouldTry(body) == true;
        BatchHeader head = events.Write(batch, tries ? compression : BatchCompression.None, _batch);
        if (tries)
        {
            trial!.Tried(head.BodyLength, head.TotalLength - BatchHeader.Size);
        }

        ByteWriter writer = new(payload);
        Bundle.WriteBatch(ref writer, _batch.Written.Span);
    }

    /// <summary>The bundle has so many batches.</summary>
    public static void End(RentedBuffer payload, int batches) => Bundle.SetCount(payload.WrittenSpan, batches);

    /// <inheritdoc/>
    public void Dispose() => _batch.Dispose();

    private CompressionTrial Trial(StreamPath stream)
    {
        if (!_trials.TryGetValue(stream, out CompressionTrial? trial))
        {
            if (_trials.Count >= MaxTrials)
            {
                _trials.Clear();
            }

            trial = new CompressionTrial();
            _trials.Add(stream, trial);
        }

        return trial;
    }
}
