using Streams.Core;

namespace Streams.Simulation;

/// <summary>What happens while nobody mends anything: one thing at each step, drawn by weight.</summary>
internal sealed partial class World
{
    private static readonly int[] Tempers = [1, 2, 4, 4, 4, 4, 8, 16];

    private readonly List<(Action Do, int Weight)> _actions = [];
    private int _weights;
    private int _wipes;
    private int _rollBacks;

    /// <summary>Plays the plan: chaos, mending, judging.</summary>
    public void Play()
    {
        Scheduler.Enter(() =>
        {
            Begin();
            Chance.MoveTo(_stretch, -2);
            DefineActions();
            for (int step = 0; step < _plan.Steps && Truth.Violations.Count == 0; step++)
            {
                if (!_plan.LeftOut.Contains(step))
                {
                    Chance.MoveTo(_stretch, step);
                    Step();
                }
            }

            Chance.MoveTo(_stretch, _plan.Steps);
            if (Truth.Violations.Count == 0)
            {
                Heal();
            }

            if (Truth.Violations.Count == 0)
            {
                Check();
            }
        });
    }

    private void Begin()
    {
        foreach (SimCluster cluster in _clusters.Values.Where(static c => c.HasJoined))
        {
            cluster.Start();
        }

        Scheduler.RunAll();
    }

    private void DefineActions()
    {
        Add(14, Produce);
        Add(14, () => Any(_devices).Send());
        Add(14, Serve);
        Add(8, () => Any(_devices).Receive());
        Add(5, () => Any(_devices).Save());
        Add(1, () => Any(_devices).Restart());
        Add(30, RunTasks);
        Add(70, StepLink);
        Add(5, ConnectDevice);
        Add(3, AttachReader);
        Add(26, () => Any(_readers).Deliver(Chance.Next(Partitions)));
        Add(26, () => Any(_readers).Process());
        Add(6, () => Any(_readers).Commit());
        Add(1, RestartReader);
        Add(2, Crash);
        Add(5, StartOne);
        Add(2, () => Up()?.Observe());
        Add(1, () => Up()?.RefuseFlush());
        Add(2, SetRegister);
        Add(1, HoldUpOneWay);
        Fault(Faults.RollBack, 3, () => Up()?.PutAside());
        Fault(Faults.RollBack, 1, RollBack);
        Fault(Faults.Wipe, 1, Wipe);
        Fault(Faults.OutboxRollBack, 2, () => Any(_devices).AsideOrBack());
        Fault(Faults.Retention, 4, Trim);
        Fault(Faults.Rewind, 1, Rewind);
        Fault(Faults.Patience, 1, () => Time.Advance(TimeSpan.FromSeconds(31)));
        Fault(Faults.MorePartitions, 1, RaisePartitions);
        Fault(Faults.Eviction, 1, () => Time.Advance(TimeSpan.FromDays(1 + Chance.Next(40))));
        Fault(Faults.ClockJumps, 2, () => Time.StepWallClock(TimeSpan.FromMinutes(Chance.Next(-600, 600))));
    }

    // Swarm testing (Groce and others, 2012): each seed has a temper of its own, or all runs would be alike and the rare ways never gone.
    private void Add(int weight, Action action)
    {
        int swayed = weight * Tempers[Chance.Next(Tempers.Length)];
        _actions.Add((action, swayed));
        _weights += swayed;
    }

    private void Fault(Faults fault, int weight, Action action)
    {
        if (Configuration.Has(fault))
        {
            Add(weight, () =>
            {
                Tally.Add("fault: " + fault);
                action();
            });
        }
    }

    private void Step()
    {
        int draw = Chance.Next(_weights);
        int at = 0;
        for (; draw >= _actions[at].Weight; at++)
        {
            draw -= _actions[at].Weight;
        }

        Time.Advance(TimeSpan.FromMilliseconds(Chance.Next(30)));
        _actions[at].Do();
        BuryTheDead();
    }

    // A container that waits for its disk would do so for ever: whoever runs it starts it anew.
    private void BuryTheDead()
    {
        foreach (SimCluster cluster in _clusters.Values)
        {
            if (cluster.Life is { } life && life.Container.Status().Phase != Storage.WritePhase.Writing)
            {
                Tally.Add("fault: refused flushes and writes");
                Trace?.Add($"{cluster.Letter}'s disk refuses, it stops");
                cluster.Stop(powerFails: false);
            }
        }
    }

    private T Any<T>(List<T> all) => all[Chance.Next(all.Count)];

    private SimCluster? Up(bool writing = false, string? among = null)
    {
        SimCluster[] up = [.. _clusters.Values.Where(c => c.IsUp && (!writing || c.IsWriting) && (among is null
            || among.Contains(c.Letter)))];
        return up.Length == 0 ? null : up[Chance.Next(up.Length)];
    }

    private void Produce()
    {
        if (Truth.Events < _plan.Events)
        {
            Any(_devices).Produce();
        }
    }

    private void Serve()
    {
        if (LeftBehind.Count > 0 && Chance.Next(10) < 3)
        {
            DeviceConnection left = LeftBehind[Chance.Next(LeftBehind.Count)];
            Tally.Add("batches that arrived after their device had left", left.Up.Count > 0 ? 1 : 0);
            if (!left.Serve(faults: true))
            {
                LeftBehind.Remove(left);
            }
        }
        else
        {
            Any(_devices).Serve(faults: true);
        }
    }

    private void StepLink()
    {
        SimLink link = Any(_links);
        int draw = Chance.Next(100);
        if (!link.IsUp)
        {
            if (draw < 30)
            {
                link.Connect();
            }
        }
        else if (draw < 2)
        {
            Tally.Add("fault: links cut");
            Trace?.Add($"{link.Name} is cut");
            link.Cut(mayLinger: true);
        }
        else
        {
            for (int i = Chance.Next(8); i >= 0 && link.Step(faults: true); i--)
            {
            }
        }
    }

    private void RunTasks()
    {
        for (int i = Chance.Next(4); i >= 0 && Scheduler.RunOne(); i--)
        {
        }
    }

    private void HoldUpOneWay()
    {
        SimLink link = Any(_links);
        bool isHeldUp = Chance.Next(3) == 0;
        Tally.Add("fault: one way of a link held up", isHeldUp ? 1 : 0);
        link.HoldUp(Chance.Next(2) == 0, isHeldUp);
    }

    private void ConnectDevice()
    {
        if (Up(writing: true)?.Life is { } life)
        {
            Any(_devices).Connect(life);
        }
    }

    private void AttachReader()
    {
        if (Up(writing: true, Configuration.ReadAt)?.Life is { } life)
        {
            Any(_readers).Attach(life);
        }
    }

    private void RestartReader()
    {
        if (Any(_readers) is SdkReader reader)
        {
            if (reader.Name == "host" && Chance.Next(2) == 0)
            {
                reader.MoveToNewHost();
            }
            else
            {
                reader.Restart();
            }
        }
    }

    private void Crash()
    {
        if (Up() is not { } cluster)
        {
            return;
        }

        Trace?.Add($"{cluster.Letter} crashes");
        switch (Chance.Next(4))
        {
            case 0:
                Tally.Add("fault: processes killed");
                cluster.Stop(powerFails: false);
                break;
            case 1:
                Tally.Add("fault: crashes in the middle of a write");
                cluster.StopInWrite();
                break;
            default:
                Tally.Add("fault: power failures");
                cluster.Stop(powerFails: true);
                break;
        }
    }

    private void StartOne()
    {
        SimCluster[] down = [.. _clusters.Values.Where(static c => !c.IsUp)];
        if (down.Length > 0)
        {
            SimCluster cluster = down[Chance.Next(down.Length)];
            Tally.Add("late joiners", cluster.HasJoined ? 0 : 1);
            cluster.HasJoined = true;
            cluster.Start();
        }
    }

    private void RollBack()
    {
        SimCluster[] able = [.. _clusters.Values.Where(static c => c.HasAside)];
        if (able.Length > 0 && _rollBacks < 2)
        {
            SimCluster cluster = able[Chance.Next(able.Length)];
            _rollBacks++;
            Tally.Add("data directories rolled back");
            Trace?.Add($"{cluster.Letter} is rolled back");
            cluster.RollBack();
        }
    }

    private void Wipe()
    {
        if (_wipes < 2)
        {
            SimCluster cluster = _clusters.Values.ElementAt(Chance.Next(_clusters.Count));
            _wipes++;
            Tally.Add("clusters wiped");
            Trace?.Add($"{cluster.Letter} is wiped");
            cluster.Wipe();
        }
    }

    private void Trim()
    {
        if (Up(writing: true)?.Life is not { } life)
        {
            return;
        }

        LaneStatus[] lanes = [.. life.Container.Lanes().Where(l => l.NextEntry > l.FirstEntry + 1 && l.Lane.Partition.Stream == Stream)];
        if (lanes.Length == 0)
        {
            return;
        }

        LaneStatus lane = lanes[Chance.Next(lanes.Length)];
        EntryNumber first = lane.FirstEntry + 1 + Chance.Next((int)(lane.NextEntry - lane.FirstEntry));
        Tally.Add("lanes trimmed");
        Trace?.Add($"{life.Cluster.Letter} keeps {Short(lane.Lane)} from entry {first} on");
        Truth.Trimming(life, lane, first);
        Go(async () => _ = await life.Container.TrimAsync(lane.Lane, first, CancellationToken.None));
    }

    private void Rewind()
    {
        if (Tally["rewinds"] < 3)
        {
            _readers[Chance.Next(3)].Rewind(Chance.Next(Partitions));
        }
    }

    private void RaisePartitions()
    {
        if (Partitions < 7 && Up(writing: true)?.Life is { } life)
        {
            Partitions++;
            Trace?.Add($"partitions are raised to {Partitions} at {life.Cluster.Letter}");
            byte[] settings = new StreamSettings(Partitions).Write();
            Go(() => life.Container.SetRegisterAsync(Stream, StreamSettings.RegisterKey, settings, CancellationToken.None));
        }
    }

    // Any register of the stream: what links join beside cursors.
    private void SetRegister()
    {
        if (Up(writing: true)?.Life is { } life)
        {
            byte[] value = [(byte)Chance.Next(256)];
            string key = "r" + Chance.Next(3);
            Tally.Add("registers written");
            Go(() => life.Container.SetRegisterAsync(Stream, key, value, CancellationToken.None));
        }
    }
}
