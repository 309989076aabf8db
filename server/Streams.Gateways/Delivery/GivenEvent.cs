using Streams.Core;

namespace Streams.Gateways;

/// <summary>An event that a gated session is given. Its bytes are valid until the reader is asked for the next one.</summary>
/// <param name="Ticket">Confirms it (<see cref="GatedReader.Confirm"/>).</param>
/// <param name="Origin">The lane.</param>
/// <param name="Offset">Its offset.</param>
/// <param name="Release">How its batch came through the gate: other than <see cref="Gateways.Release.None"/> it may be out of its
/// producer's order.</param>
/// <param name="View">The event.</param>
public readonly record struct GivenEvent(long Ticket, Origin Origin, Offset Offset, Release Release, EventView View);
