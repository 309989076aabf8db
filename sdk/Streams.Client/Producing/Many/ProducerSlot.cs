using Streams.Core;

namespace Streams.Client;

/// <summary>What is known of one of many producers while something of it waits, is unanswered, or its session stands.</summary>
internal sealed class ProducerSlot
{
    /// <summary>A producer that was not known.</summary>
    public ProducerSlot(ProducerId producer)
    {
        State = new ProducerState(producer);
        Turn = new Turn<ProducerSlot>(this);
        Idle = new LinkedListNode<ProducerSlot>(this);
    }

    /// <summary>The producer.</summary>
    public ProducerId Producer => State.Producer;

    /// <summary>Its sequences, places and session.</summary>
    public ProducerState State { get; }

    /// <summary>Its place among those who send.</summary>
    public Turn<ProducerSlot> Turn { get; }

    /// <summary>Its place among those whose session stands and who have nothing to send.</summary>
    public LinkedListNode<ProducerSlot> Idle { get; }

    /// <summary>Where it is in its session.</summary>
    public SlotPhase Phase { get; set; }

    /// <summary>The hello that it is named in, while <see cref="SlotPhase.Asked"/>.</summary>
    public uint Hello { get; set; }

    /// <summary>Whether the cluster counts it among the producers of this connection.</summary>
    public bool IsThere { get; set; }

    /// <summary>Confirmations of it that its store has not taken yet.</summary>
    public int Confirming { get; set; }

    /// <summary>How long it rests when it is shut out the next time; nothing after a batch was taken.</summary>
    public TimeSpan NextRest { get; set; }

    /// <summary>When its rest ends, while <see cref="SlotPhase.Resting"/>.</summary>
    public TimeSpan RestsUntil { get; set; }
}

/// <summary>Where a producer is in its session.</summary>
internal enum SlotPhase
{
    /// <summary>It has no session, and nothing waits.</summary>
    None,

    /// <summary>It waits for its turn to say hello.</summary>
    Queued,

    /// <summary>It was shut out and waits before it says hello again.</summary>
    Resting,

    /// <summary>Its hello is under way.</summary>
    Asked,

    /// <summary>It may send.</summary>
    Greeted,
}
