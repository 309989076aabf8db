using Streams.Core;

namespace Streams.Client;

/// <summary>A bundle that is on its way.</summary>
internal sealed class CutBundle
{
    /// <summary>Its message.</summary>
    public RentedBuffer Payload { get; } = new();

    /// <summary>Its batches, in order.</summary>
    public List<CutBatch> Batches { get; } = [];

    /// <summary>Bytes of their bodies before compression.</summary>
    public int Bytes { get; private set; }

    /// <summary>A batch was written behind the others.</summary>
    public void Add(ProducerSlot slot, OutgoingBatch batch, int bytes, bool allAlike)
    {
        Batches.Add(new CutBatch(slot, batch, allAlike));
        Bytes += bytes;
    }

    /// <summary>The sequences of each batch.</summary>
    public (long First, long Last)[] Runs()
    {
        (long, long)[] runs = new (long, long)[Batches.Count];
        for (int i = 0; i < runs.Length; i++)
        {
            runs[i] = (Batches[i].Batch.First.Sequence, Batches[i].Batch.Last);
        }

        return runs;
    }
}

/// <summary>A batch of a bundle.</summary>
/// <param name="Slot">Whose it is.</param>
/// <param name="Batch">The batch.</param>
/// <param name="AllAlike">Whether all its events have the same topic.</param>
internal readonly record struct CutBatch(ProducerSlot Slot, OutgoingBatch Batch, bool AllAlike);
