using Streams.Mqtt;

namespace EdgeGateway;

/// <summary>All machines of a run.</summary>
internal sealed class Plant : IAsyncDisposable
{
    private const int OneOfSleepy = 10;
    private const int OneOfQos1 = 4;

    private Plant(IReadOnlyList<IMachine> machines) => Machines = machines;

    public IReadOnlyList<IMachine> Machines { get; }

    public int Connected => Machines.Count(static m => m.IsConnected);

    public int Asleep => Machines.Count(static m => m.IsAsleep);

    public long Waiting => Machines.Sum(static m => (long)m.Waiting);

    public int Reconnects => Machines.Sum(static m => m.Reconnects);

    public static IReadOnlyList<string> Names(int machines) => [.. Enumerable.Range(1, machines).Select(static i => $"machine-{i:000}")];

    /// <summary>How many machines of each kind there are.</summary>
    public IReadOnlyDictionary<string, int> Kinds =>
        Machines.GroupBy(static m => m.Kind).OrderBy(static g => g.Key).ToDictionary(static g => g.Key, static g => g.Count());

    /// <summary>Builds them; the last ones are mosquitto's where that is installed.</summary>
    public static Plant Build(GatewayOptions options, MachineWorld world)
    {
        int foreign = MosquittoMachine.IsInstalled ? Math.Min(options.Mosquitto, options.Machines) : 0;
        List<IMachine> machines = [];
        for (int i = 0; i < options.Machines; i++)
        {
            Random chance = new(unchecked((options.Seed * 31) + i));
            bool sleeps = i % OneOfSleepy == OneOfSleepy - 1 && !options.Skip.HasFlag(StoryParts.Sleep);
            machines.Add(i >= options.Machines - foreign ? new MosquittoMachine(i, world)
                : new MqttMachine(i, world, i % OneOfQos1 == 0 ? MqttQos.AtLeastOnce : MqttQos.ExactlyOnce,
                    sleeps ? new SleepPlan(new Random(chance.Next()), Math.Min(1, options.Seconds / 30.0)) : null, chance));
        }

        return new Plant(machines);
    }

    public void Start()
    {
        foreach (IMachine machine in Machines)
        {
            machine.Start();
        }
    }

    /// <summary>Nobody sleeps any more.</summary>
    public void Wake()
    {
        foreach (MqttMachine machine in Machines.OfType<MqttMachine>())
        {
            machine.StayAwake();
        }
    }

    public async ValueTask DisposeAsync() => await Task.WhenAll(Machines.Select(static m => m.DisposeAsync().AsTask()));
}
