using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace EdgeGateway;

/// <summary>A machine whose programs are mosquitto's: one <c>mosquitto_pub</c> that is given a line for each event, and one
/// <c>mosquitto_sub</c> with a session that is kept. Other people's client code, as many machines have it.</summary>
/// <remarks>A line is given when the one before is acknowledged: across a lost connection mosquitto's client may send what is new before
/// what it sends again, and then the order would be its own.</remarks>
internal sealed partial class MosquittoMachine : IMachine
{
    private static readonly TimeSpan Again = TimeSpan.FromMilliseconds(200);

    private readonly Lock _gate = new();
    private readonly MachineWorld _world;
    private readonly string _name;
    private readonly List<Outgoing> _unanswered = [];
    private readonly HashSet<Place> _given = [];
    private readonly CancellationTokenSource _stop = new();
    private LineTool? _publisher;
    private Task _publishing = Task.CompletedTask;
    private Task _listening = Task.CompletedTask;
    private int _inProcess;
    private int _number;
    private int _connects;
    private volatile bool _isSubscribed;

    public MosquittoMachine(int index, MachineWorld world)
    {
        Index = index;
        _world = world;
        _name = world.Devices.Names[index];
    }

    /// <summary>Whether mosquitto's clients are installed, and stdbuf of coreutils, which lets them be heard at once.</summary>
    public static bool IsInstalled => LineTool.Finds("mosquitto_pub") && LineTool.Finds("mosquitto_sub")
        && LineTool.Finds("stdbuf");

    public int Index { get; }

    public string Kind => "mosquitto, QoS 1";

    public bool IsConnected => _isSubscribed && Volatile.Read(ref _connects) > 0;

    public bool IsAsleep => false;

    public int Reconnects => Math.Max(0, Volatile.Read(ref _connects) - 1);

    public int Waiting
    {
        get
        {
            lock (_gate)
            {
                return _unanswered.Count;
            }
        }
    }

    public void Start()
    {
        _publishing = RunAsync(PublishAsync);
        _listening = RunAsync(ListenAsync);
    }

    public void Publish(ReadOnlySpan<byte> data)
    {
        int number = ++_number;
        _world.Latencies.Published(Index);
        Outgoing one = new(number, EventText.Write(_name, number, data));
        lock (_gate)
        {
            _unanswered.Add(one);
            SendNext();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _publishing;
        await _listening;
        _stop.Dispose();
    }

    private async Task RunAsync(Func<Task> life)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await life();
            }
            catch (OperationCanceledException)
            {
            }
            catch (Exception e)
            {
                _world.Judge.Fail($"{_name}: {e.GetType().Name}: {e.Message}");
            }

            await ((Task)Task.Delay(Again, _world.Time, _stop.Token)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // A process that ended is followed by another, which is given once more what was not answered.
    private async Task PublishAsync()
    {
        await using LineTool tool = LineTool.Start("mosquitto_pub", "-h", "127.0.0.1", "-p", Text(_world.Port), "-V", "5", "-q", "1", "-i",
            _name, "-t", MachineWorld.TelemetryTopic(_name), "-l", "-d");
        lock (_gate)
        {
            _publisher = tool;
            _inProcess = 0;
            if (_unanswered is [{ PacketId: not 0 } sent, ..])
            {
                sent.PacketId = 0;
                _world.Judge.Telemetry.AllowRepeat(Index, sent.Number);
            }

            SendNext();
        }

        try
        {
            while (await tool.ReadAsync(_stop.Token) is { } line)
            {
                Heard(line);
            }
        }
        finally
        {
            lock (_gate)
            {
                _publisher = null;
            }
        }
    }

    private async Task ListenAsync()
    {
        await using LineTool tool = LineTool.Start("mosquitto_sub", "-h", "127.0.0.1", "-p", Text(_world.Port), "-V", "5", "-q", "1", "-c",
            "-x", Text((int)MachineWorld.SessionExpiry.TotalSeconds), "-i", _name + "-orders", "-t", MachineWorld.OrderTopic(_name), "-d",
            "-F", "got %P|%p");
        while (await tool.ReadAsync(_stop.Token) is { } line)
        {
            _isSubscribed |= line.StartsWith("Subscribed (", StringComparison.Ordinal);
            int bar = line.StartsWith("got ", StringComparison.Ordinal) ? line.IndexOf('|', StringComparison.Ordinal) : -1;
            if (bar > 0)
            {
                string properties = line[4..bar];
                byte[] payload = Encoding.UTF8.GetBytes(line[(bar + 1)..]);
                _world.Deliver(Index, payload, _world.PlaceOf(name => Property(properties, name)), _given);
            }
        }
    }

    private void Heard(string line)
    {
        if (line.Contains("received CONNACK (0)", StringComparison.Ordinal))
        {
            Interlocked.Increment(ref _connects);
            return;
        }

        Match match = SentAgain().Match(line);
        bool isAgain = match.Success;
        match = isAgain ? match : Puback().Match(line);
        if (!match.Success)
        {
            return;
        }

        int id = int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);
        lock (_gate)
        {
            if (_unanswered.Find(o => o.PacketId == id) is not { } one)
            {
                return;
            }

            if (isAgain)
            {
                _world.Judge.Telemetry.AllowRepeat(Index, one.Number);
                return;
            }

            _unanswered.Remove(one);
            if (int.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture) >= 0x80)
            {
                _world.Judge.Fail($"{_name}#{one.Number} was refused: {match.Groups[2].Value}");
            }

            _world.Acknowledged(Index, one.Number);
            SendNext();
        }
    }

    // Within the gate. The program numbers its lines from 1.
    private void SendNext()
    {
        if (_publisher is { } tool && _unanswered is [{ PacketId: 0 } one, ..])
        {
            one.PacketId = (ushort)++_inProcess;
            tool.Write(one.Payload);
        }
    }

    private static string? Property(string properties, string name)
    {
        string[] words = properties.Split(' ', ':');
        int at = Array.IndexOf(words, name);
        return at >= 0 && at + 1 < words.Length ? words[at + 1] : null;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    [GeneratedRegex(@"received PUBACK \(Mid: (\d+), RC:(\d+)\)")]
    private static partial Regex Puback();

    [GeneratedRegex(@"sending PUBLISH \(d1, q1, r0, m(\d+),")]
    private static partial Regex SentAgain();
}
