using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Streams.Testing;

namespace Streams.Tidy.Tests;

/// <summary>The small parts of the kit.</summary>
public sealed class KitTests
{
    [Fact]
    public void Free_ports_are_distinct_and_can_be_bound()
    {
        var ports = Enumerable.Range(0, 50).Select(_ => FreePort.Next()).ToArray();
        Assert.Equal(ports.Length, ports.Distinct().Count());
        foreach (var port in ports)
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
        }
    }

    [Fact]
    public void A_temporary_directory_is_deleted_with_its_content_unless_kept()
    {
        var gone = new TemporaryDirectory(keep: false);
        File.WriteAllText(Path.Combine(gone.CreateDirectory("a", "b"), "file"), "text");
        gone.Dispose();
        gone.Dispose();
        Assert.False(Directory.Exists(gone.FullName));

        var kept = new TemporaryDirectory(keep: true);
        kept.Dispose();
        Assert.True(Directory.Exists(kept.FullName));
        Directory.Delete(kept.FullName);
    }

    [Fact]
    public void A_seed_of_the_environment_repeats_the_run()
    {
        var random = Seeds.Next("12345");
        Assert.Equal(12345, random.Seed);
        Assert.Equal("STREAMS_SEED=12345", random.ToString());
        Assert.Equal(new SeededRandom(12345).NextInt64(), random.NextInt64());
        Assert.Throws<FormatException>(() => Seeds.Next("twelve"));
        Assert.NotEqual(Seeds.Next(null).Seed, Seeds.Next("").Seed);
    }

    [Fact]
    public void Errors_in_the_log_fail_with_everything_that_was_logged()
    {
        using var provider = new CollectingLoggerProvider();
        var logger = provider.CreateLogger("Streams.Sample");
        Write(logger, LogLevel.Debug, "detail");
        provider.AssertNoErrors();

        Write(provider.CreateLogger<KitTests>(), LogLevel.Error, "broken");
        var failure = Assert.Throws<UnexpectedLogException>(() => provider.AssertNoErrors());
        Assert.Contains("Error KitTests [7 ] broken", failure.Message, StringComparison.Ordinal);
        Assert.Contains("Debug Streams.Sample [7 ] detail", failure.Message, StringComparison.Ordinal);
        provider.AssertNoErrors(except: entry => entry.Message == "broken");
    }

    [Fact]
    public void A_flood_of_entries_is_bounded_and_cannot_hide_an_error()
    {
        var logger = new CollectingLogger();
        Write(logger, LogLevel.Error, "early");
        for (var entry = 0; entry < CollectedLogs.MaxEntries + 5; entry++)
        {
            Write(logger, LogLevel.Information, "flood");
        }

        Assert.Equal(CollectedLogs.MaxEntries, logger.Logs.Entries.Count);
        Assert.Contains("early", Assert.Throws<UnexpectedLogException>(() => logger.AssertNoErrors()).Message, StringComparison.Ordinal);
    }

    private static void Write(CollectingLogger logger, LogLevel level, string message)
        => logger.Log(level, new EventId(7), message, null, static (text, _) => text);
}
