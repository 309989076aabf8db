using System.Reflection;

namespace Streams.EdgeAgent;

/// <summary>What <c>--help</c> and <c>--version</c> print.</summary>
internal static class HelpText
{
    /// <summary>The version of the program.</summary>
    public static string Version { get; } =
        typeof(HelpText).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?
            .InformationalVersion.Split('+')[0] ?? "0.0.0";

    /// <summary>How it is used.</summary>
    public static string Usage { get; } = $"""
        Streams edge agent {Version}: one process between machines and the cloud.

        Usage: Streams.EdgeAgent run CONFIG     serves devices until it is told to stop (SIGTERM)
               Streams.EdgeAgent check CONFIG   says what is wrong with a configuration; changes nothing
               Streams.EdgeAgent password       reads a password, one line, and prints its hash for "access.users"

          --help      this text
          --version   the version

        SIGHUP, or a changed file, makes a running agent read its configuration again.
        Exit codes: 0 stopped as asked, or all is good; 1 could not start, or the store failed; 2 wrong configuration or usage.

        """;
}
