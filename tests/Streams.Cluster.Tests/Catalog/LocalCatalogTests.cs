using System.Diagnostics;
using Streams.Core;
using Streams.Testing;

namespace Streams.Cluster.Tests;

public sealed class LocalCatalogTests : IDisposable
{
    private static readonly ClusterName Sj = ClusterName.Parse("sj");
    private readonly TemporaryDirectory _directory = new();
    private readonly CollectingLogger _logger = new();

    private CatalogOptions Options => new() { Cluster = Sj, DataDirectory = _directory.Combine("data") };

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_new_directory_is_made_and_opens_an_incarnation()
    {
        using LocalCatalog catalog = LocalCatalog.Open(Options, _logger);

        Assert.Null(catalog.Current);
        Assert.Equal(IncarnationReason.NewDirectory, IncarnationDecision.Decide(WithItsStore(catalog)).Reason);
    }

    [Fact]
    public void A_restart_goes_on_under_the_same_incarnation_and_counts()
    {
        Incarnation first = Start(Options).Incarnation;

        for (int start = 2; start <= 4; start++)
        {
            CatalogRecord record = Start(Options);
            Assert.Equal(first, record.Incarnation);
            Assert.Equal(start, record.Starts);
        }

        Assert.DoesNotContain(_logger.Logs.Entries, e => e.EventId.Id != 5000);
    }

    [Fact]
    public void A_directory_that_was_moved_goes_on()
    {
        Incarnation first = Start(Options).Incarnation;
        Directory.Move(_directory.Combine("data"), _directory.Combine("moved"));

        CatalogRecord record = Start(Options with { DataDirectory = _directory.Combine("moved") });

        Assert.Equal(first, record.Incarnation);
    }

    [Fact]
    public void A_copied_directory_opens_a_new_incarnation()
    {
        Start(Options);
        Run("cp", "-a", _directory.Combine("data"), _directory.Combine("copy"));
        CatalogOptions copy = Options with { DataDirectory = _directory.Combine("copy") };

        Assert.Equal(IncarnationReason.DirectoryCopied, Decide(copy));
        Start(copy);
        Assert.Equal(IncarnationReason.PlainRestart, Decide(copy));
    }

    [Fact]
    public void An_old_copy_put_over_the_directory_is_found_by_the_witness()
    {
        Start(Options);
        Run("cp", "-a", _directory.Combine("data"), _directory.Combine("backup"));
        Start(Options);

        // Over the files, not in their place: inode and creation time of the identity stay.
        Run("cp", "-a", _directory.Combine("backup") + "/.", _directory.Combine("data"));

        Assert.Equal(IncarnationReason.BehindWitness, Decide(Options));
        Start(Options);
        Assert.Equal(IncarnationReason.PlainRestart, Decide(Options));
    }

    [Fact]
    public void An_old_copy_of_the_same_run_is_found_by_the_entries_that_the_witness_saw()
    {
        using (LocalCatalog catalog = LocalCatalog.Open(Options, _logger))
        {
            catalog.Begin(new Incarnation(7), 0, 0);
            Assert.True(catalog.Observe(new Incarnation(7), 30));
            Assert.False(catalog.Observe(new Incarnation(7), 30));
            Assert.False(catalog.Observe(new Incarnation(6), 31));
        }

        using LocalCatalog again = LocalCatalog.Open(Options, _logger);
        Assert.Equal(IncarnationReason.EntriesMissing, IncarnationDecision.Decide(WithItsStore(again) with { OwnEntries = 29 }).Reason);
        Assert.Equal(IncarnationReason.PlainRestart, IncarnationDecision.Decide(WithItsStore(again) with { OwnEntries = 30 }).Reason);
    }

    [Fact]
    public void A_moved_incarnation_is_the_one_of_the_next_start()
    {
        using (LocalCatalog catalog = LocalCatalog.Open(Options, _logger))
        {
            catalog.Begin(new Incarnation(7), 0, 0);
            catalog.Move(new Incarnation(9), 0);
        }

        Assert.Equal(new Incarnation(9), Start(Options).Incarnation);
    }

    [Fact]
    public void Two_live_owners_of_one_directory_are_refused()
    {
        using LocalCatalog catalog = LocalCatalog.Open(Options, _logger);

        TryAgainException refused = Assert.Throws<TryAgainException>(() => LocalCatalog.Open(Options, _logger));
        Assert.Equal(
            $"data directory {Options.DataDirectory} is in use by another process (process {Environment.ProcessId})", refused.Message);
    }

    [Fact]
    public void The_directory_of_another_cluster_is_refused()
    {
        Start(Options);

        ConfigurationException refused = Assert.Throws<ConfigurationException>(
            () => LocalCatalog.Open(Options with { Cluster = ClusterName.Parse("ny") }, _logger));
        Assert.Equal($"data directory {Options.DataDirectory} belongs to cluster 'sj', not 'ny'", refused.Message);
    }

    [Fact]
    public void The_witness_of_another_cluster_is_refused()
    {
        Start(Options with { WitnessFile = _directory.Combine("w") });

        CatalogOptions other = Options with { Cluster = ClusterName.Parse("ny"), DataDirectory = _directory.Combine("other") };
        other = other with { WitnessFile = _directory.Combine("w") };
        ConfigurationException refused = Assert.Throws<ConfigurationException>(() => LocalCatalog.Open(other, _logger));
        Assert.EndsWith("belongs to cluster 'sj', not 'ny'", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_directory_with_other_things_in_it_is_left_alone()
    {
        File.WriteAllText(Path.Combine(_directory.CreateDirectory("data"), "letter.txt"), "dear");

        ConfigurationException refused = Assert.Throws<ConfigurationException>(() => LocalCatalog.Open(Options, _logger));
        Assert.Contains("is no data directory of Streams and not empty (it holds 'letter.txt')", refused.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(_directory.Combine("data", "identity")));
    }

    [Theory]
    [InlineData("identity")]
    [InlineData("catalog.json")]
    [InlineData("data.witness")]
    public void A_damaged_file_is_set_aside_and_named_and_a_new_incarnation_opened(string name)
    {
        string path = name == "data.witness" ? _directory.Combine(name) : _directory.Combine("data", name);
        Incarnation before = Start(Options).Incarnation;
        int length = File.ReadAllBytes(path).Length;
        for (int i = 0; i < length; i++)
        {
            byte[] whole = File.ReadAllBytes(path);
            byte[] damaged = [.. whole];
            damaged[i] ^= (byte)(1 << (i % 8));
            File.WriteAllBytes(path, damaged);
            using LocalCatalog catalog = LocalCatalog.Open(Options, _logger);
            if (catalog.Facts.Lost is null)
            {
                // A letter in the other case may say the same.
                Assert.Equal(0x20, damaged[i] ^ whole[i]);
                File.WriteAllBytes(path, whole);
                continue;
            }

            string said = _logger.Logs.Entries.Last(e => e.EventId.Id == 5003).Message;
            Assert.StartsWith(path + " is damaged: ", said, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', said);
            Assert.Equal(damaged, File.ReadAllBytes(path + ".damaged"));
            Assert.Equal(IncarnationReason.CatalogLost, IncarnationDecision.Decide(WithItsStore(catalog)).Reason);
            Assert.True(catalog.Facts.Highest >= before || name == "catalog.json");
            catalog.Begin(new Incarnation(before.Value + (ulong)i + 1), 0, 0);
        }

        Assert.Equal(IncarnationReason.PlainRestart, Decide(Options));
    }

    [Theory]
    [InlineData("identity")]
    [InlineData("catalog.json")]
    public void A_file_that_is_missing_is_made_anew_under_a_new_incarnation(string name)
    {
        Start(Options);
        Directory.CreateDirectory(_directory.Combine("data", "c0"));
        File.Delete(_directory.Combine("data", name));

        using LocalCatalog catalog = LocalCatalog.Open(Options, _logger);
        Assert.Equal(IncarnationReason.CatalogLost, IncarnationDecision.Decide(WithItsStore(catalog)).Reason);
        Assert.Contains(name + " is missing", catalog.Facts.Lost, StringComparison.Ordinal);
    }

    [Fact]
    public void A_directory_that_nothing_says_whose_it_is_is_refused()
    {
        Start(Options);
        Directory.CreateDirectory(_directory.Combine("data", "c0"));
        File.WriteAllText(_directory.Combine("data", "identity"), "?");
        File.WriteAllText(_directory.Combine("data", "catalog.json"), "?");

        ConfigurationException refused = Assert.Throws<ConfigurationException>(() => LocalCatalog.Open(Options, _logger));
        Assert.EndsWith("nothing says whose it is", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_newer_format_is_refused_with_what_to_do()
    {
        Start(Options);
        string path = _directory.Combine("data", "catalog.json");
        CatalogRecord record = SealedFile.Read(path, File.ReadAllBytes(path), CatalogJson.Default.CatalogRecord);
        File.WriteAllBytes(path, SealedFile.Write(record with { Format = 2 }, CatalogJson.Default.CatalogRecord));

        ConfigurationException refused = Assert.Throws<ConfigurationException>(() => LocalCatalog.Open(Options, _logger));
        Assert.EndsWith(
            "has format 2, this program reads up to format 1: use the newer version of Streams that wrote it",
            refused.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_default_witness_that_cannot_be_written_is_said_once_and_done_without()
    {
        Directory.CreateDirectory(_directory.Combine("data.witness.new"));          // in the way of every write
        using LocalCatalog catalog = LocalCatalog.Open(Options, _logger);

        catalog.Begin(new Incarnation(7), 0, 0);
        catalog.Observe(new Incarnation(7), 5);

        Assert.Null(catalog.WitnessPath);
        Assert.Single(_logger.Logs.Entries, e => e.EventId.Id == 5001);
    }

    [Fact]
    public void A_configured_witness_must_be_writable()
    {
        Directory.CreateDirectory(_directory.Combine("w.new"));
        using LocalCatalog catalog = LocalCatalog.Open(Options with { WitnessFile = _directory.Combine("w") }, _logger);

        Assert.Throws<StorageFailedException>(() => catalog.Begin(new Incarnation(7), 0, 0));
    }

    private IncarnationReason Decide(CatalogOptions options)
    {
        using LocalCatalog catalog = LocalCatalog.Open(options, _logger);
        return IncarnationDecision.Decide(WithItsStore(catalog)).Reason;
    }

    private CatalogRecord Start(CatalogOptions options)
    {
        using LocalCatalog catalog = LocalCatalog.Open(options, _logger);
        catalog.Begin(IncarnationDecision.Decide(WithItsStore(catalog)).Choose(catalog.Facts, TimeProvider.System, new Random(1)), 0, 0);
        return catalog.Current!;
    }

    private static void Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(program, arguments);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }

    // As if the store had been written under what the catalog says.
    private static IncarnationFacts WithItsStore(LocalCatalog catalog) =>
        catalog.Facts with { LatestInStore = catalog.Current?.Incarnation ?? default };
}
