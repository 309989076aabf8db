using Streams.Core;

namespace Streams.Client.Tests;

/// <summary>Random worlds, each from one seed: a fleet behind an agent, two clusters, moves, kills, rivals, lost answers.</summary>
public sealed class ManyProducersWorldTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(101)]
    [InlineData(201)]
    [InlineData(301)]
    public void Nothing_is_lost_nothing_is_given_twice_and_each_producers_order_holds(int from)
    {
        int twins = 0;
        int shutOut = 0;
        for (int seed = from; seed < from + 60; seed++)
        {
            ManyProducerWorld world = new(seed);
            world.Run(steps: 400);
            world.Finish();
            world.Check();
            twins += world.Twins;
            shutOut += world.ShutOuts;
        }

        Assert.True(twins > 0 && shutOut > 0, "the worlds were too kind");
    }
}
