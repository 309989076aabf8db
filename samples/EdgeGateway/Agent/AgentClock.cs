using System.Buffers.Binary;
using System.ComponentModel;
using System.Diagnostics;

namespace EdgeGateway;

/// <summary>The wall clock of the agent's process, which can be set like that of a gateway whose battery is empty: a library put before
/// libc's clock, compiled here, where there is a C compiler. The agent itself knows nothing of it.</summary>
internal sealed class AgentClock : IDisposable
{
    private const int FileBytes = 8;

    private readonly FileStream? _file;
    private readonly byte[] _numbers = new byte[FileBytes];

    private AgentClock(FileStream? file, IReadOnlyDictionary<string, string> environment, string? whyNot)
    {
        _file = file;
        Environment = environment;
        WhyNot = whyNot;
    }

    /// <summary>What the agent is started with.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; }

    /// <summary>Why the clock cannot be set here; <see langword="null"/> when it can.</summary>
    public string? WhyNot { get; }

    /// <summary>How far it is from the truth.</summary>
    public TimeSpan Offset { get; private set; }

    /// <summary>Makes it in a folder.</summary>
    public static async Task<AgentClock> MakeAsync(string folder, CancellationToken cancellationToken)
    {
        string library = Path.Combine(folder, "clock.so");
        string? whyNot = OperatingSystem.IsLinux() ? await CompileAsync(folder, library, cancellationToken)
            : "that is known for Linux only";
        if (whyNot is not null)
        {
            return new AgentClock(null, new Dictionary<string, string>(), whyNot);
        }

        string numbers = Path.Combine(folder, "clock");
        FileStream file = new(numbers, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0);
        AgentClock clock = new(file, new Dictionary<string, string>
        {
            ["LD_PRELOAD"] = library,
            ["EDGE_GATEWAY_CLOCK"] = numbers,
        }, null);
        clock.Write();
        return clock;
    }

    /// <summary>Sets it at once, for an agent that runs too.</summary>
    public void Jump(TimeSpan by)
    {
        Offset += by;
        BinaryPrimitives.WriteInt64LittleEndian(_numbers, Offset.Ticks * 100);
        Write();
    }

    public void Dispose() => _file?.Dispose();

    private void Write()
    {
        _file!.Position = 0;
        _file.Write(_numbers);
    }

    private static async Task<string?> CompileAsync(string folder, string library, CancellationToken cancellationToken)
    {
        string source = Path.Combine(folder, "clock.c");
        using (Stream text = typeof(AgentClock).Assembly.GetManifestResourceStream("clock.c")!)
        using (FileStream file = File.Create(source))
        {
            await text.CopyToAsync(file, cancellationToken);
        }

        try
        {
            using Process compiler = Process.Start(new ProcessStartInfo("cc", ["-shared", "-fPIC", "-O2", "-o", library, source, "-ldl"])
            {
                RedirectStandardError = true,
            })!;
            string complaint = await compiler.StandardError.ReadToEndAsync(cancellationToken);
            await compiler.WaitForExitAsync(cancellationToken);
            return compiler.ExitCode == 0 ? null : $"the C compiler failed: {complaint.Trim()}";
        }
        catch (Win32Exception)
        {
            return "there is no C compiler (cc), which is needed for it";
        }
    }
}
