using System.Diagnostics;

namespace EdgeGateway;

/// <summary>A program that takes and gives lines. It does not outlive this one.</summary>
internal sealed class LineTool : IAsyncDisposable
{
    private readonly Process _process;
    private readonly ProcessGuard _guard;

    private LineTool(Process process)
    {
        _process = process;
        _guard = ProcessGuard.For(process.Id);
    }

    /// <summary>Whether a program is there.</summary>
    public static bool Finds(string program) => (Environment.GetEnvironmentVariable("PATH") ?? string.Empty)
        .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries).Any(folder => File.Exists(Path.Combine(folder, program)));

    public static LineTool Start(string program, params string[] arguments)
    {
        // Into a pipe the C library writes by the block, and a line would be heard long after it was said. stdbuf becomes the program.
        Process process = Process.Start(new ProcessStartInfo("stdbuf", ["--output=L", "--error=L", program, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        })!;
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginErrorReadLine();
        return new LineTool(process);
    }

    /// <summary>The next line; <see langword="null"/> when it has ended.</summary>
    public ValueTask<string?> ReadAsync(CancellationToken cancellationToken) => _process.StandardOutput.ReadLineAsync(cancellationToken);

    /// <summary>Gives it a line; one that has ended takes nothing.</summary>
    public void Write(byte[] line)
    {
        try
        {
            Stream input = _process.StandardInput.BaseStream;
            input.Write([.. line, (byte)'\n']);
            input.Flush();
        }
        catch (IOException)
        {
            // It has ended; its reader notices.
        }
    }

    public async ValueTask DisposeAsync()
    {
        _guard.Dispose();
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
