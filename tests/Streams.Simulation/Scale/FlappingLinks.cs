namespace Streams.Simulation;

/// <summary>At any time a share of the pairs of clusters is linked badly: the links between the two go down for 1 to 5 seconds and come up
/// for 5 to 20. Now and then a pair gets well and another one falls ill, so that over time it meets all.</summary>
internal sealed class FlappingLinks(ScaleWorld world, IReadOnlyList<(ScaleLink There, ScaleLink Back)> pairs)
{
    private readonly HashSet<int> _ill = [];
    private readonly HashSet<int> _down = [];
    private bool _over;

    /// <summary>How often a pair was cut.</summary>
    public int Cuts { get; private set; }

    public void Begin(double share)
    {
        int count = (int)Math.Round(share * pairs.Count);
        while (_ill.Count < count)
        {
            int pair = world.Chance.Next(pairs.Count);
            if (_ill.Add(pair))
            {
                world.After(world.Chance.Next(0, 20_000), () => Down(pair));
            }
        }
    }

    /// <summary>Everything heals.</summary>
    public void Heal()
    {
        _over = true;
        foreach (int pair in _down.Order())
        {
            Up(pair);
        }

        _down.Clear();
    }

    private void Down(int pair)
    {
        if (_over)
        {
            return;
        }

        Cuts++;
        _down.Add(pair);
        pairs[pair].There.Cut();
        pairs[pair].Back.Cut();
        world.After(world.Chance.Next(1000, 5000), () =>
        {
            if (!_over)
            {
                _down.Remove(pair);
                Up(pair);
                world.After(world.Chance.Next(5000, 20_000), () => Down(Next(pair)));
            }
        });
    }

    /// <summary>Which pair goes down in the place of this one: itself, or in one case of four another one.</summary>
    private int Next(int pair)
    {
        int other = world.Chance.Next(pairs.Count);
        if (world.Chance.Next(4) != 0 || !_ill.Add(other))
        {
            return pair;
        }

        _ill.Remove(pair);
        return other;
    }

    private void Up(int pair)
    {
        pairs[pair].There.Restore();
        pairs[pair].Back.Restore();
    }
}
