namespace Streams.Simulation;

/// <summary>Mending: what is down comes up, what is up stays up, and everything must come to rest.</summary>
internal sealed partial class World
{
    private const int MostRounds = 3000;
    private const int MostAtOnce = 400;

    private void Heal()
    {
        Trace?.Add("--- mending");
        Mend();
        int still = 0;
        int patience = 0;
        for (int rounds = 0; still < 4; rounds++)
        {
            if (rounds == MostRounds)
            {
                Truth.Fail(Violation.Waits, "the world does not come to rest");
                return;
            }

            bool moved = Round(rounds);
            Time.Advance(moved ? TimeSpan.FromMilliseconds(150) : TimeSpan.FromSeconds(31));
            if (!moved && _devices.Exists(static d => d.HasWaiting) && patience++ < 50)
            {
                ConnectAll(waitingOnly: true);             // an unanswered producer times out and comes again
                moved = true;
            }

            still = moved ? 0 : still + 1;
        }
    }

    private void Mend()
    {
        foreach (SimLink link in _links)
        {
            link.HoldUp(forth: true, isHeldUp: false);
            link.HoldUp(forth: false, isHeldUp: false);
            if (link.HasLost)
            {
                link.Cut(mayLinger: false);              // the last entry of a lane has no successor that would show that it is missing
            }
        }

        StartAll();
        LeftBehind.Clear();
        foreach (SimReader reader in _readers)
        {
            if (reader.At is null || Chance.Next(2) == 0)
            {
                Attach(reader);
            }
        }
    }

    private void StartAll()
    {
        Scheduler.RunAll();
        BuryTheDead();
        foreach (SimCluster cluster in _clusters.Values.Where(static c => !c.IsUp))
        {
            cluster.HasJoined = true;
            cluster.Start();
            Scheduler.RunAll();
        }
    }

    private void Attach(SimReader reader)
    {
        if (Up(writing: true, Configuration.ReadAt)?.Life is { } life)
        {
            reader.Attach(life);
        }
    }

    private void ConnectAll(bool waitingOnly)
    {
        foreach (SimDevice device in _devices)
        {
            if ((!waitingOnly || device.HasWaiting) && Up(writing: true)?.Life is { } life)
            {
                device.Connect(life);
            }
        }
    }

    private bool Round(int rounds)
    {
        StartAll();
        bool moved = false;
        foreach (SimLink link in _links)
        {
            moved |= link.Connect();
            for (int i = 0; i < MostAtOnce && link.Step(faults: false); i++)
            {
                moved = true;
                Scheduler.RunAll();
            }
        }

        foreach (SimDevice device in _devices)
        {
            if (device.HasWaiting && device.At is null && Up(writing: true)?.Life is { } life)
            {
                device.Connect(life);
                moved = true;
            }

            for (int i = 0; i < MostAtOnce && (device.Send() | device.Serve(faults: false) | device.Receive()); i++)
            {
                moved = true;
                Scheduler.RunAll();
            }

            device.Save();
        }

        foreach (SimReader reader in _readers)
        {
            if (reader.At is null)
            {
                Attach(reader);
                moved = true;
            }

            moved |= ReadAll(reader);
        }

        Scheduler.RunAll();
        return moved;
    }

    private bool ReadAll(SimReader reader)
    {
        bool moved = false;
        for (int partition = 0; partition < Partitions; partition++)
        {
            for (int i = 0; i < MostAtOnce && (reader.Deliver(partition) | reader.Process()); i++)
            {
                moved = true;
            }
        }

        moved |= reader.Commit();
        Scheduler.RunAll();
        return moved;
    }
}
