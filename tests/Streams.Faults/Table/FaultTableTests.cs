using Xunit.Abstractions;

namespace Streams.Faults;

/// <summary>A few rows of the fault table, one run each, and that the table notices what goes wrong. The whole table is a program:
/// docs/faults.md.</summary>
public sealed class FaultTableTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("device-killed-at-write")]
    [InlineData("cluster-killed-at-flush")]
    [InlineData("answers-lost")]
    public Task Each_event_that_was_published_is_given_once_and_in_order(string row) => EndToEnd.Tests.Rounds.PlayAsync(async chance =>
    {
        var options = new TableOptions { Seed = Math.Max(1, chance.Seed), Runs = EndToEnd.Tests.Rounds.Or(1) };
        var result = await RowPlayer.PlayAsync(FaultRows.Find(row)!, options);
        output.WriteLine(TableText.Line(result));
        Assert.True(result.IsGood, string.Join('\n', result.Tally.Findings));
        Assert.True(result.Tally is { Published: > 0, Acknowledged: > 0 }, "nothing was published, so nothing was tested");
    });

    [Fact]
    public async Task An_event_that_is_given_once_more_makes_a_row_bad()
    {
        var options = new TableOptions { Runs = 1, Sabotage = Sabotage.Repeat };
        var result = await RowPlayer.PlayAsync(FaultRows.Find("cluster-killed")!, options);
        output.WriteLine(TableText.Line(result));
        Assert.True(result.IsBad, "it was not noticed");
        Assert.Equal((0, 1, 0), (result.Tally.Lost, result.Tally.Duplicate, result.Tally.OutOfOrder));
    }

    [Fact]
    public void The_document_has_a_row_for_each_fault_and_no_other()
    {
        var document = File.ReadAllText(Path.Combine(Testing.Repository.Root, "docs", "faults.md"));
        Assert.True(TableText.HasPlace(document));
        var told = document.Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal))
            .Select(line => line.Split('`')[1]);
        Assert.Equal(FaultRows.All.Select(row => row.Name), told);
    }

    [Fact]
    public void A_wrong_command_line_says_what_would_be_right()
    {
        Assert.Null(TableOptions.TryParse(["--seed", "7", "--runs", "3", "--rows", "half-open", "--sabotage", "swap"], out var options));
        Assert.Equal((7, 3, Sabotage.Swap), (options.Seed, options.Runs, options.Sabotage));
        Assert.Equal("half-open", Assert.Single(options.Rows).Name);
        foreach (var (wrong, said) in ((string[], string)[])
        [
            (["--runs", "0"], "must be a whole number from 1 to 10000"), (["--rows", "x"], "there are device-killed, "),
            (["--sabotage", "1"], "must be drop, repeat or swap"), (["--markdown", "none.md"], "must be a document with the lines"),
            (["--seed"], "a value is missing"), (["--more", "1"], "no such option"),
        ])
        {
            Assert.Contains(said, TableOptions.TryParse(wrong, out _), StringComparison.Ordinal);
        }
    }
}
