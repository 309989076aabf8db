namespace Streams.Client;

/// <summary>Decides whose batch is next, so that each of those who have something gets its share of the bytes: deficit round robin, where
/// who took more than its share waits until that is made up for.</summary>
/// <remarks>Pure; not safe for several threads. Constant work for each turn, whatever their number.</remarks>
internal sealed class FairTurns<T>
{
    private readonly LinkedList<Turn<T>> _line = [];

    /// <summary>How many have something.</summary>
    public int Count => _line.Count;

    /// <summary>Someone has something; comes last, once.</summary>
    public void Enter(Turn<T> turn)
    {
        if (turn.Node.List is null)
        {
            _line.AddLast(turn.Node);
        }
    }

    /// <summary>Someone has nothing any more. What it did not use is gone, what it owes stays.</summary>
    public void Leave(Turn<T> turn)
    {
        if (turn.Node.List is not null)
        {
            _line.Remove(turn.Node);
            turn.Credit = Math.Min(turn.Credit, 0);
        }
    }

    /// <summary>Whose turn it is. It stays so until <see cref="Spent"/> has told that its share is used, or it leaves.</summary>
    /// <param name="quantum">Bytes of one share of weight 1.</param>
    /// <param name="turn">Whose turn it is; it may take <see cref="Turn{T}.Credit"/> bytes, which are at least one.</param>
    /// <returns>Whether anybody has something.</returns>
    public bool TryNext(int quantum, out Turn<T> turn)
    {
        // Everybody owes: shares double with each round, so that many small ones do not make up for a great event.
        for (long share = quantum, left = _line.Count; _line.First is { } first; left--)
        {
            turn = first.Value;
            if (left == 0)
            {
                share *= 2;
                left = _line.Count;
            }

            if (turn.Credit > 0)
            {
                return true;
            }

            turn.Credit += share * turn.Weight;
            if (turn.Credit > 0)
            {
                return true;
            }

            ToTheEnd(turn);
        }

        turn = null!;
        return false;
    }

    /// <summary>Who has the turn has taken so many bytes.</summary>
    public void Spent(Turn<T> turn, int bytes)
    {
        turn.Credit -= Math.Max(bytes, 1);
        if (turn.Credit <= 0 && turn.Node.List is not null)
        {
            ToTheEnd(turn);
        }
    }

    private void ToTheEnd(Turn<T> turn)
    {
        _line.Remove(turn.Node);
        _line.AddLast(turn.Node);
    }
}

/// <summary>One of those who take turns.</summary>
internal sealed class Turn<T>
{
    /// <summary>One with a share of so much.</summary>
    public Turn(T owner, int weight = 1)
    {
        Owner = owner;
        Weight = weight;
        Node = new LinkedListNode<Turn<T>>(this);
    }

    /// <summary>Whose.</summary>
    public T Owner { get; }

    /// <summary>Its share, against those of the others.</summary>
    public int Weight { get; }

    /// <summary>Bytes that it may still take; negative when it took more than its share.</summary>
    public long Credit { get; set; }

    /// <summary>Its place in the line.</summary>
    internal LinkedListNode<Turn<T>> Node { get; }
}
