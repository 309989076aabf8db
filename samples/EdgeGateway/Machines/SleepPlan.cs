namespace EdgeGateway;

/// <summary>When a machine is awake and when it sleeps to save its battery. Pure: the same chance gives the same plan.</summary>
internal sealed class SleepPlan(Random chance, double scale)
{
    /// <summary>How long it stays awake next, and how long it sleeps then; a few seconds each.</summary>
    public (TimeSpan Awake, TimeSpan Asleep) Next() => (Seconds(2, 5), Seconds(2, 6));

    private TimeSpan Seconds(double least, double most) =>
        TimeSpan.FromSeconds((least + ((most - least) * chance.NextDouble())) * scale);
}
