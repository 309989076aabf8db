namespace Streams.Faults;

/// <summary>An event that a reading process told it was given.</summary>
/// <param name="Number">The event.</param>
/// <param name="Topic">Its topic.</param>
/// <param name="Life">In which life of the process, counted from 1.</param>
/// <param name="Time">When, on the steady clock that all processes share.</param>
internal readonly record struct GivenEvent(int Number, string Topic, int Life, long Time);
