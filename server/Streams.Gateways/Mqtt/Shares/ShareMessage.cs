using System.Buffers;

namespace Streams.Gateways;

/// <summary>A message on its way from a group to the session of a member, in memory of its own: the group reads on meanwhile.</summary>
/// <param name="Reading">The group's reading of the partition; of it only what never changes may be asked.</param>
/// <param name="Given">The event; its ticket is the one that the group knows it by.</param>
/// <param name="Bytes">What it takes.</param>
/// <param name="Memory">Its memory, rented.</param>
internal readonly record struct ShareMessage(PartitionReading Reading, GivenEvent Given, int Bytes, byte[] Memory)
{
    /// <summary>Copies an event.</summary>
    public static ShareMessage Copy(PartitionReading reading, in GivenEvent given, long ticket)
    {
        int bytes = given.View.Bytes;
        byte[] memory = ArrayPool<byte>.Shared.Rent(bytes);
        return new ShareMessage(reading, given with { Ticket = ticket, View = given.View.CopyTo(memory) }, bytes, memory);
    }

    /// <summary>Gives the memory back, once.</summary>
    public void Release() => ArrayPool<byte>.Shared.Return(Memory);
}
