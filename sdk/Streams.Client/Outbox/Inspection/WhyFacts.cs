namespace Streams.Client;

/// <summary>What became of an event, as far as its outbox's file knows.</summary>
internal enum EventState
{
    /// <summary>It waits in the file.</summary>
    Waiting,

    /// <summary>It waits, and something in the file keeps it from being sent.</summary>
    Stuck,

    /// <summary>It was refused for good and put aside.</summary>
    Refused,

    /// <summary>It is not in the file any more: a cluster has confirmed it.</summary>
    Confirmed,

    /// <summary>This file never gave such a number.</summary>
    Unknown,
}

/// <summary>What an outbox's file knows of one event.</summary>
/// <param name="Name">The event.</param>
/// <param name="State">What became of it.</param>
/// <param name="Event">Its row, when it is in the file.</param>
/// <param name="Next">The next sequence of its partition, or 0.</param>
/// <param name="AheadEvents">Events of its partition that wait before it: they are sent first.</param>
/// <param name="AheadBytes">What they count.</param>
/// <param name="FirstAhead">The first of them, or 0.</param>
/// <param name="OtherEvents">Events that wait in other partitions, which take turns with this one.</param>
/// <param name="RefusedBefore">Events of its partition that were refused.</param>
/// <param name="Stand">Where events of its partition are known to stand; none when no cluster has ever confirmed one.</param>
/// <param name="AnyStand">Whether a cluster has ever confirmed anything of this file.</param>
/// <param name="IsInUse">Whether a client has the file open.</param>
/// <param name="IsOfLastOpening">Whether it was published in the last opening of the file.</param>
/// <param name="Fault">What in the file keeps it from being sent.</param>
internal sealed record WhyFacts(string Name, EventState State, KeptEvent? Event, long Next, long AheadEvents, long AheadBytes,
    long FirstAhead, long OtherEvents, long RefusedBefore, IReadOnlyList<string> Stand, bool AnyStand, bool IsInUse, bool IsOfLastOpening,
    string? Fault)
{
    /// <summary>The answer in words, a reason a line, the chief one first.</summary>
    public IReadOnlyList<string> Reasons()
    {
        List<string> reasons = [];
        switch (State)
        {
            case EventState.Unknown:
                reasons.Add(Next > 0 ? $"This outbox never had it: its partition goes up to {Next - 1}."
                    : "This outbox never had it: it has had no event of such a partition.");
                break;
            case EventState.Confirmed:
                reasons.Add("It is not here any more: a cluster has confirmed it, flushed, or it was refused and then taken out.");
                AddStand(reasons);
                break;
            case EventState.Refused:
                reasons.Add($"A cluster refused it for good: {Event!.Reason}");
                reasons.Add("It is not sent again by itself. Mend the cause, then use 'outbox refused retry' or 'discard'.");
                break;
            case EventState.Stuck:
                reasons.Add($"It cannot be sent: {Fault}.");
                reasons.Add("'outbox verify' names all such faults, 'outbox repair' mends what can be mended.");
                break;
            default:
                Waiting(reasons);
                break;
        }

        return reasons;
    }

    private void Waiting(List<string> reasons)
    {
        if (!IsInUse)
        {
            reasons.Add("No client has the outbox open, so nothing sends it.");
        }

        reasons.Add(AheadEvents == 0 ? "It is the next of its partition: no cluster has confirmed it yet."
            : $"It waits behind {AheadEvents} events ({AheadBytes} bytes) of its partition, from sequence {FirstAhead} on.");
        if (OtherEvents > 0)
        {
            reasons.Add($"{OtherEvents} events wait in other partitions, which take turns with its own.");
        }

        if (!AnyStand)
        {
            reasons.Add("No cluster has ever confirmed an event of this outbox: look at the addresses, the credentials and the network.");
        }
        else
        {
            AddStand(reasons);
        }

        if (RefusedBefore > 0)
        {
            reasons.Add($"{RefusedBefore} events of its partition were refused; they hold nothing up.");
        }

        reasons.Add(IsInUse && IsOfLastOpening
            ? "Whether it is on its way now, only the running client knows; until a cluster confirms it, it stays here."
            : "It may have been sent already in an earlier session: the next one asks the cluster, and sends what is missing (R3, R18).");
    }

    private void AddStand(List<string> reasons) => reasons.Add(Stand.Count == 0
        ? "No cluster has confirmed an event of its partition yet."
        : $"Of its partition, events stand at {string.Join(", ", Stand)}.");
}
