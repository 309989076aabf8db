namespace Streams.EdgeAgent;

/// <summary>What the agent had at one moment.</summary>
/// <param name="At">When.</param>
/// <param name="Connections">Devices connected.</param>
/// <param name="Events">Events in the store.</param>
/// <param name="Taken">Events taken since the store began.</param>
/// <param name="Bytes">Bytes of the store in use.</param>
internal readonly record struct Sample(DateTimeOffset At, int Connections, long Events, long Taken, long Bytes);
