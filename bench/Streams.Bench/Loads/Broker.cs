using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Streams.Bench;

/// <summary>A broker in a process of its own, on a free port of this machine: the server or the edge agent of this repository, or Debian's
/// mosquitto. Killed when it is disposed.</summary>
internal sealed class Broker : IDisposable
{
    private readonly Process _process;

    private Broker(Process process, IPEndPoint address, IPEndPoint? http = null) =>
        (_process, Address, Http) = (process, address, http);

    public IPEndPoint Address { get; }

    /// <summary>Where it tells of itself; <see langword="null"/> when it does not, or was not asked to.</summary>
    public IPEndPoint? Http { get; }

    /// <summary>Processor time that it has used.</summary>
    public TimeSpan Cpu
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>Bytes that it has given to the disk.</summary>
    public long WrittenBytes => Number($"/proc/{_process.Id}/io", "write_bytes:");

    /// <summary>Megabytes of its memory, by the name that the kernel has for the kind: VmRSS, RssAnon.</summary>
    public double Memory(string kind) => Number($"/proc/{_process.Id}/status", kind + ":") / 1024.0;

    /// <summary>A figure of the agent: the first metric of a name.</summary>
    public async Task<long> MetricAsync(string name)
    {
        using HttpClient http = new();
        string text = await http.GetStringAsync(new Uri($"http://{Http}/metrics"));
        string? line = text.Split('\n').FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal));
        return line is null ? 0 : (long)double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture);
    }

    /// <summary>Bytes of its memory that are in RAM.</summary>
    public long ResidentBytes
    {
        get
        {
            string line = File.ReadLines($"/proc/{_process.Id}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
            return long.Parse(line["VmRSS:".Length..^"kB".Length], CultureInfo.InvariantCulture) << 10;
        }
    }

    /// <summary>This repository's server, which flushes before it acknowledges.</summary>
    public static async Task<Broker> StreamsAsync(string folder)
    {
        string built = Path.Combine(AppContext.BaseDirectory, "Streams.Server.dll");
        Process process = Start("dotnet", built, "--cluster", "bench", "--data", Path.Combine(folder, "data"), "--mqtt", "127.0.0.1:0",
            "--http", "127.0.0.1:0", "--link", "127.0.0.1:0", "--log-level", "warning");
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.StartsWith("ready:", StringComparison.Ordinal))
            {
                string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                return new Broker(process, IPEndPoint.Parse(words[Array.IndexOf(words, "mqtt") + 1]));
            }
        }

        throw new InvalidOperationException("the server did not start");
    }

    /// <summary>This repository's edge agent, which sends all that is published to a cluster.</summary>
    /// <param name="folder">Where it keeps its file.</param>
    /// <param name="cluster">The cluster, or what leads to it.</param>
    /// <param name="store">What its store may take and what happens then, as JSON.</param>
    public static async Task<Broker> AgentAsync(string folder, IPEndPoint cluster, string store = "{}")
    {
        string settings = Path.Combine(folder, "agent.json");
        await File.WriteAllTextAsync(settings, $$"""
            { "name": "bench-agent", "data": "agent", "http": "127.0.0.1:0", "log": "warning", "limits": { "connections": 5000 },
              "listeners": [ { "name": "devices", "address": "127.0.0.1:0" } ], "store": {{store}},
              "clusters": { "to": [ "bench={{cluster}}" ] } }
            """);
        string built = Path.Combine(AppContext.BaseDirectory, "Streams.EdgeAgent.dll");
        Process process = Start("dotnet", built, "run", settings);
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.StartsWith("ready:", StringComparison.Ordinal))
            {
                string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                return new Broker(process, IPEndPoint.Parse(words[Array.IndexOf(words, "devices") + 1]),
                    IPEndPoint.Parse(words[Array.IndexOf(words, "http") + 1]));
            }
        }

        throw new InvalidOperationException("the agent did not start");
    }

    /// <summary>Mosquitto, which keeps nothing on disk here; <see langword="null"/> where it is not installed.</summary>
    public static async Task<Broker?> MosquittoAsync(string folder)
    {
        using Socket free = new(SocketType.Stream, ProtocolType.Tcp);
        free.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        IPEndPoint address = new(IPAddress.Loopback, ((IPEndPoint)free.LocalEndPoint!).Port);
        free.Dispose();
        string settings = Path.Combine(folder, "mosquitto.conf");
        await File.WriteAllTextAsync(settings, string.Create(CultureInfo.InvariantCulture, $"""
            listener {address.Port} 127.0.0.1
            allow_anonymous true
            persistence false
            max_queued_messages 0
            log_type error
            user root

            """));
        string[] places = ["/usr/sbin/mosquitto", "/usr/bin/mosquitto", "/usr/local/sbin/mosquitto"];
        string? program = Array.Find(places, File.Exists);
        if (program is null)
        {
            return null;
        }

        Broker broker = new(Start(program, "-c", settings), address);
        for (int i = 0; i < 100; i++)
        {
            try
            {
                using Socket probe = new(SocketType.Stream, ProtocolType.Tcp);
                await probe.ConnectAsync(address);
                return broker;
            }
            catch (SocketException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
            }
        }

        broker.Dispose();
        throw new InvalidOperationException("mosquitto did not start");
    }

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    private static long Number(string file, string name)
    {
        string line = File.ReadLines(file).First(l => l.StartsWith(name, StringComparison.Ordinal));
        return long.Parse(line[name.Length..].Replace("kB", string.Empty, StringComparison.Ordinal), CultureInfo.InvariantCulture);
    }

    private static Process Start(string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program) { RedirectStandardOutput = true };
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
    }
}
