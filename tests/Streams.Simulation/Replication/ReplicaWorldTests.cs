using Streams.Testing;

namespace Streams.Simulation;

/// <summary>Containers with replicas, in random worlds.</summary>
public sealed class ReplicaWorldTests
{
    private static readonly int Worlds = Testing.Seeds.Rounds(40);

    [Fact]
    public void Nothing_that_was_told_is_lost_no_number_is_told_twice_and_reads_never_go_back()
    {
        long told = 0;
        int crashes = 0;
        int takeOvers = 0;
        int cuts = 0;
        for (int seed = 1; seed <= Worlds; seed++)
        {
            ReplicaWorld world = new(seed);
            try
            {
                world.Play();
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}: {e.Message}");
            }

            told += world.Told;
            crashes += world.Crashes;
            takeOvers += world.TakeOvers;
            cuts += world.Cuts;
        }

        Assert.True(told > 300 * Worlds && crashes > 5 * Worlds && takeOvers > Worlds && cuts > 0,
            $"the worlds are too tame: {told} told, {crashes} crashes, {takeOvers} other primaries, {cuts} cuts");
    }

    [Theory]
    [InlineData(nameof(ReplicaFault.AckBeforeFlush))]
    [InlineData(nameof(ReplicaFault.OneIsEnough))]
    [InlineData(nameof(ReplicaFault.OneLife))]
    [InlineData(nameof(ReplicaFault.NoLease))]
    public void A_rule_that_is_broken_on_purpose_is_noticed(string broken)
    {
        for (int seed = 1; seed <= 300; seed++)
        {
            try
            {
                new ReplicaWorld(seed, Enum.Parse<ReplicaFault>(broken)).Play();
            }
            catch (Exception e) when (e is ReplicaWorldException or InvalidOperationException)
            {
                return;
            }
        }

        Assert.Fail($"300 worlds with {broken}, and nothing was noticed");
    }
}
