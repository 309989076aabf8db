using System.Collections.Concurrent;
using Streams.Testing;

namespace Streams.Simulation;

/// <summary>A run that failed.</summary>
internal sealed record Failure(WorldPlan Plan, Violation Kind, string Text);

/// <summary>What many runs of some configurations came to.</summary>
internal sealed class CampaignResult
{
    public long Runs { get; set; }

    public List<Failure> Failures { get; } = [];

    public FaultTally Tally { get; } = new();
}

/// <summary>Plays many seeds of some configurations, on all cores: each world in a thread of its own, so that each plays the same way
/// whatever runs beside it.</summary>
internal sealed class Campaign(IReadOnlyList<Configuration> configurations, long first, long seeds)
{
    private static readonly TimeSpan TellEvery = TimeSpan.FromSeconds(5);

    /// <summary>The rules that are taken away.</summary>
    public IReadOnlyList<Rule> Without { get; init; } = [];

    /// <summary>Steps of each run.</summary>
    public int Steps { get; init; } = new WorldPlan(Configuration.All[0], 0).Steps;

    /// <summary>How many threads play.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>Whether the first failure ends it.</summary>
    public bool StopsAtFailure { get; init; }

    /// <summary>Plays. Tells of progress on <paramref name="output"/>, when given.</summary>
    public SortedDictionary<string, CampaignResult> Play(TextWriter? output)
    {
        SortedDictionary<string, CampaignResult> results = new(StringComparer.Ordinal);
        foreach (Configuration configuration in configurations)
        {
            results[configuration.Name] = new CampaignResult();
        }

        long total = configurations.Count * seeds;
        long next = 0;
        bool stop = false;
        Lock gate = new();
        long told = Environment.TickCount64;
        ConcurrentQueue<Exception> crashes = [];
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(_ => new Thread(Work, 16 << 20))];
        Array.ForEach(threads, static t => t.Start());
        Array.ForEach(threads, static t => t.Join());
        return crashes.TryDequeue(out Exception? crash) ? throw new InvalidOperationException("the simulation itself failed", crash)
            : results;

        void Work()
        {
            try
            {
                for (long at = Interlocked.Increment(ref next) - 1; at < total
                    && !Volatile.Read(ref stop); at = Interlocked.Increment(ref next) - 1)
                {
                    Configuration configuration = configurations[(int)(at % configurations.Count)];
                    PlayOne(new WorldPlan(configuration, first + (at / configurations.Count)) { Without = Without, Steps = Steps }, at);
                }
            }
            catch (Exception crash)
            {
                crashes.Enqueue(crash);
                Volatile.Write(ref stop, true);
            }
        }

        void PlayOne(WorldPlan plan, long at)
        {
            World world = WorldRun.Play(plan);
            lock (gate)
            {
                CampaignResult result = results[plan.Configuration.Name];
                result.Runs++;
                result.Tally.Add(world.Tally);
                if (world.Truth.Violations is [(Violation kind, string text), ..])
                {
                    result.Failures.Add(new Failure(plan, kind, text));
                    stop |= StopsAtFailure;
                }

                if (output is not null && Environment.TickCount64 - told > TellEvery.TotalMilliseconds)
                {
                    told = Environment.TickCount64;
                    output.WriteLine($"  {at + 1:N0} of {total:N0} runs, {results.Values.Sum(static r => r.Failures.Count)} failed");
                }
            }
        }
    }
}

/// <summary>Plays one plan; what escapes from a party is a violation of that run, with its seed, not the end of all runs.</summary>
internal static class WorldRun
{
    public static World Play(WorldPlan plan)
    {
        World world = new(plan);
        try
        {
            world.Play();
        }
        catch (Exception fault)
        {
            world.Truth.Fail(Violation.Protocol,
                $"{fault.GetType().Name}: {fault.Message} at {fault.StackTrace?.Split('\n').FirstOrDefault()?.Trim()}");
        }

        return world;
    }
}
