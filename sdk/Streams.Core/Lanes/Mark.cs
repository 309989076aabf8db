namespace Streams.Core;

/// <summary>The fact that a numbered message of a sender was taken: one number of the set that a register keeps
/// (<see cref="MarkedNumbers"/>). An MQTT gateway marks the packet identifiers of QoS 2.</summary>
/// <param name="Stream">The stream of the register.</param>
/// <param name="Key">The register's key.</param>
/// <param name="Owner">Whose numbers they are: a register with another owner's counts as empty, so who begins anew forgets all at
/// once.</param>
/// <param name="Number">The number, 1 to <see cref="MarkedNumbers.MaxNumber"/>.</param>
/// <param name="MaxCount">Most numbers that may be marked at once, at most <see cref="MarkedNumbers.MaxCount"/>.</param>
public readonly record struct Mark(StreamPath Stream, string Key, ProducerId Owner, int Number, int MaxCount);
