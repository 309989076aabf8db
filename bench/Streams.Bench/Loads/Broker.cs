using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Streams.Bench;

/// <summary>A broker in a process of its own, on a free port of this machine: the server of this repository, or Debian's mosquitto. Killed
/// when it is disposed.</summary>
internal sealed class Broker : IDisposable
{
    private readonly Process _process;

    private Broker(Process process, IPEndPoint address) => (_process, Address) = (process, address);

    public IPEndPoint Address { get; }

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
