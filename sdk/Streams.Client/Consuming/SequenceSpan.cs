using Streams.Core;

namespace Streams.Client;

/// <summary>Consecutive events of one producer's epoch.</summary>
/// <param name="Key">Producer and epoch.</param>
/// <param name="First">Sequence of the first.</param>
/// <param name="Last">Sequence of the last.</param>
internal readonly record struct SequenceSpan(ProducerEpoch Key, long First, long Last)
{
    /// <summary>How many.</summary>
    public int Count => (int)(Last - First + 1);
}
