using Streams.Core;

namespace Streams.Client;

/// <summary>An event that has to wait for others of its producer (R19b).</summary>
internal sealed class HeldEvent
{
    /// <summary>Its lane.</summary>
    public required LaneState Lane { get; init; }

    /// <summary>Its offset there.</summary>
    public required long Offset { get; init; }

    /// <summary>Its identity.</summary>
    public required EventIdentity Identity { get; init; }

    /// <summary>Its content.</summary>
    public required EventView View { get; init; }

    /// <summary>What must come before.</summary>
    public required AfterVector After { get; init; }

    /// <summary>The lanes it waited for when it arrived; patience runs for them.</summary>
    public AwaitedLane[] Waits { get; set; } = [];

    /// <summary>Where it is queued to be looked at again.</summary>
    public EventPlace? QueuedAt { get; set; }

    /// <summary>Bytes that it keeps in memory.</summary>
    public int Bytes => View.Payload.Length + View.Key.Length + View.Headers.Length + View.Topic.Length;
}

/// <summary>What is held back of one producer: for each lane a queue in the order of offsets, so that only the first of each can be
/// given next.</summary>
internal sealed class HeldProducer(ProducerId id)
{
    /// <summary>The producer.</summary>
    public ProducerId Id => id;

    /// <summary>The lanes in which something of it is held.</summary>
    public List<(LaneState Lane, Queue<HeldEvent> Events)> Lanes { get; } = [];

    /// <summary>Whether it is queued to be looked at again.</summary>
    public bool IsQueued { get; set; }

    /// <summary>The lowest offset held in a lane, or <see cref="long.MaxValue"/>.</summary>
    public long Lowest(LaneState lane)
    {
        foreach ((LaneState held, Queue<HeldEvent> events) in Lanes)
        {
            if (ReferenceEquals(held, lane))
            {
                return events.Peek().Offset;
            }
        }

        return long.MaxValue;
    }
}
