using Streams.Client;
using Streams.Core;
using Streams.Gateways;

namespace Streams.Simulation;

/// <summary>A storm in virtual time: all devices at one cluster, which is lost and comes back. One thread, one seed.</summary>
internal sealed class StormWorld
{
    public static readonly TimeSpan LostAt = TimeSpan.FromSeconds(10);
    public static readonly TimeSpan BackAt = TimeSpan.FromSeconds(190);
    public static readonly TimeSpan End = TimeSpan.FromSeconds(1500);

    private const int Lists = 256;
    private static readonly TimeSpan FailBackAfter = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Notice = TimeSpan.FromMilliseconds(50);
    private static readonly ReconnectRules Rules = new(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(5), FailBackAfter);

    private readonly PriorityQueue<Happening, (TimeSpan At, long Number)> _queue = new();
    private readonly StormCluster[] _clusters;
    private readonly StormDevice[] _devices;
    private readonly bool _hints;
    private readonly Random _chance;
    private TimeSpan _now;
    private long _number;

    public StormWorld(StormOptions options, bool hints)
    {
        _hints = hints;
        _chance = new Random(options.Seed);
        ClusterName[] names = [.. Enumerable.Range(0, options.Clusters).Select(static i => ClusterName.Parse($"c{i}"))];
        int rate = (int)(options.AcceptRate * (options.Clusters - 1) * options.Prudence);
        _clusters = [.. names.Select(name => new StormCluster(name, options, hints,
            new SpreadRule([.. names.Where(n => n != name).Select(static n => new WeightedCluster(n, 1))], rate)))];
        (byte[] List, ClusterName[] Names)[] lists = [.. Enumerable.Range(0, Lists).Select(_ => List(names))];
        _devices = new StormDevice[options.Devices];
        for (int i = 0; i < _devices.Length; i++)
        {
            (byte[] list, ClusterName[] named) = lists[i % Lists];
            _devices[i] = new StormDevice(new ReconnectPlan(named, Rules), list);
        }
    }

    public IReadOnlyList<StormCluster> Clusters => _clusters;

    /// <summary>Plays it.</summary>
    public StormFigures Run()
    {
        foreach (StormDevice device in _devices)
        {
            device.Plan.Next(TimeSpan.Zero, _chance);
            Settle(device, 0);
        }

        _clusters[0].Look();
        TellAll(0);
        At(LostAt, new Happening(What.Lose));
        At(BackAt, new Happening(What.Return));
        At(HintBoard.Period, new Happening(What.Count));
        while (_queue.TryDequeue(out Happening happening, out (TimeSpan At, long) when) && when.At < End)
        {
            _now = when.At;
            Play(happening);
            if (_now > BackAt && _clusters[0].Devices == _devices.Length)
            {
                break;
            }
        }

        return StormFigures.Of(_clusters, _devices, _now);
    }

    private void Play(Happening happening)
    {
        switch (happening.What)
        {
            case What.Lose:
                Lose();
                break;
            case What.Return:
                _clusters[0].IsUp = true;
                break;
            case What.Count:
                CountDevices();
                break;
            case What.Notice:
                happening.Device!.Plan.Lost(SessionLoss.Together, wasUseful: true, isGood: true, _now, _chance);
                Try(happening.Device);
                break;
            case What.Try:
                Try(happening.Device!);
                break;
            case What.Answer:
                Answered(happening);
                break;
            case What.Look:
                Look(happening.Device!);
                break;
            case What.Looked:
                Looked(happening.Device!, happening.Answer == StormAnswer.Taken);
                break;
            default:
                GoBack(happening.Device!);
                break;
        }
    }

    private void Lose()
    {
        _clusters[0].IsUp = false;
        _clusters[0].Devices = 0;
        foreach (StormDevice device in _devices)
        {
            device.At = -1;
            At(_now + (Notice * _chance.NextDouble()), new Happening(What.Notice, device));
        }
    }

    private void CountDevices()
    {
        for (int i = 0; i < _clusters.Length; i++)
        {
            if (_clusters[i].IsUp && _clusters[i].Look())
            {
                TellAll(i);
            }
        }

        At(_now + HintBoard.Period, new Happening(What.Count));
    }

    private void TellAll(int cluster)
    {
        foreach (StormDevice device in _devices)
        {
            if (_hints && device.At == cluster)
            {
                device.Plan.Take(_clusters[cluster].Told);
            }
        }
    }

    private void Try(StormDevice device)
    {
        ReconnectStep step = device.Plan.Next(_now, _chance);
        if (step.At > _now)
        {
            At(step.At, new Happening(What.Try, device));
            return;
        }

        int cluster = device.List[step.Endpoint];
        (StormAnswer answer, TimeSpan at, TimeSpan? retryAfter) = _clusters[cluster].Connect(_now);
        At(at, new Happening(What.Answer, device, answer, cluster, retryAfter));
    }

    private void Answered(Happening happening)
    {
        StormDevice device = happening.Device!;
        if (happening.Answer == StormAnswer.Taken && _clusters[happening.Cluster].IsUp)
        {
            Settle(device, happening.Cluster);
        }
        else
        {
            device.Plan.Failed(_now, happening.RetryAfter, -1, _chance);
            Try(device);
        }
    }

    private void Settle(StormDevice device, int cluster)
    {
        device.Plan.Connected();
        device.At = cluster;
        _clusters[cluster].Devices++;
        if (_hints)
        {
            device.Plan.Take(_clusters[cluster].Told);
        }

        if (_now >= LostAt)
        {
            device.ServedAt ??= _now;
        }

        device.Back = cluster == 0 ? null : new FailBackPlan(FailBackAfter);
        LookLater(device);
    }

    private void LookLater(StormDevice device)
    {
        if (device.Back is { } back)
        {
            At(_now + back.UntilLook(device.Plan.Window, _chance.NextDouble()), new Happening(What.Look, device));
        }
    }

    private void Look(StormDevice device)
    {
        (StormAnswer answer, TimeSpan at, _) = _clusters[0].Connect(_now);
        At(at, new Happening(What.Looked, device, answer));
    }

    private void Looked(StormDevice device, bool answered)
    {
        if (device.Back!.Looked(answered, _now))
        {
            At(_now + device.Back.Delay(_chance.NextDouble()), new Happening(What.GoBack, device));
        }
        else
        {
            LookLater(device);
        }
    }

    private void GoBack(StormDevice device)
    {
        _clusters[device.At].Devices--;
        device.At = -1;
        device.Plan.Return(_now);
        Try(device);
    }

    // The preferred one first, the others in an order of each list's own: the best that lists can do without hints.
    private (byte[] List, ClusterName[] Names) List(ClusterName[] names)
    {
        byte[] list = [.. Enumerable.Range(0, names.Length).Select(static i => (byte)i)];
        _chance.Shuffle(list.AsSpan(1));
        return (list, [.. list.Select(i => names[i])]);
    }

    private void At(TimeSpan at, Happening happening) => _queue.Enqueue(happening, (at, _number++));

    private enum What
    {
        Lose,
        Return,
        Count,
        Notice,
        Try,
        Answer,
        Look,
        Looked,
        GoBack,
    }

    private readonly record struct Happening(What What, StormDevice? Device = null, StormAnswer Answer = default, int Cluster = 0,
        TimeSpan? RetryAfter = null);
}
