using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.EdgeAgent;

/// <summary>Runs a program of the operator's before the first start, which fetches keys and certificates or fills in the configuration.
/// When it ends with 0 a mark is left in the data directory and it is not run again.</summary>
internal static class Provisioner
{
    /// <summary>The mark.</summary>
    public const string MarkFile = "provisioned";

    /// <summary>Runs it if it was not run before. It finds the configuration in <c>STREAMS_EDGE_CONFIG</c> and the data directory in
    /// <c>STREAMS_EDGE_DATA</c>; what it prints is logged.</summary>
    /// <returns>Whether it ran: then the configuration is to be read again.</returns>
    /// <exception cref="TryAgainException">It could not be run, failed, or took too long: it is run again at the next start.</exception>
    public static async Task<bool> RunAsync(AgentOptions options, string configuration, TimeProvider time, ILogger logger,
        CancellationToken cancellationToken)
    {
        string mark = Path.Combine(options.DataDirectory, MarkFile);
        if (options.Provision is not { } provision || File.Exists(mark))
        {
            return false;
        }

        Directory.CreateDirectory(options.DataDirectory);
        string program = provision.Command[0];
        AgentLog.Provisioning(logger, program);
        ProcessStartInfo start = new(program, provision.Command[1..])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
        };
        start.Environment["STREAMS_EDGE_CONFIG"] = Path.GetFullPath(configuration);
        start.Environment["STREAMS_EDGE_DATA"] = Path.GetFullPath(options.DataDirectory);
        using CancellationTokenSource limit = new(provision.Limit, time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        using Process process = Begin(start);
        process.StandardInput.Close();
        try
        {
            Task said = Task.WhenAll(LogAsync(process.StandardOutput), LogAsync(process.StandardError));
            await process.WaitForExitAsync(either.Token).ConfigureAwait(false);
            await said.WaitAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            cancellationToken.ThrowIfCancellationRequested();
            throw new TryAgainException($"provision: {program} did not end within {provision.Limit} and was ended");
        }

        if (process.ExitCode != 0)
        {
            throw new TryAgainException($"provision: {program} ended with {process.ExitCode}, it must end with 0");
        }

        await File.WriteAllTextAsync(mark, string.Empty, cancellationToken).ConfigureAwait(false);
        return true;

        async Task LogAsync(StreamReader lines)
        {
            while (await lines.ReadLineAsync(either.Token).ConfigureAwait(false) is { } line)
            {
                AgentLog.ProvisionSaid(logger, Path.GetFileName(program), line);
            }
        }
    }

    private static Process Begin(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception fault)
        {
            throw new TryAgainException($"provision: {start.FileName} cannot be run: {fault.Message}", fault);
        }
    }
}
