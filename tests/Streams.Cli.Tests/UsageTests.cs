namespace Streams.Cli.Tests;

public sealed class UsageTests
{
    [Theory]
    [InlineData("", "Required command was not provided")]
    [InlineData("outbox", "Required command was not provided")]
    [InlineData("pubish /fleet t x", "Unrecognized command or argument 'pubish'")]
    [InlineData("publish fleet t x", "STREAM: stream path 'fleet': must begin with '/', as in '/fleet'")]
    [InlineData("publish /fleet t+ x", "TOPIC: topic name 't+': '+' at 1 is a wildcard")]
    [InlineData("publish /fleet", "TOPIC is missing")]
    [InlineData("publish /fleet t x --file y", "only one of PAYLOAD, --file, --lines and --from-export")]
    [InlineData("publish /fleet t --from-export -", "--from-export: the topics come from the file")]
    [InlineData("publish /fleet t x --no-wait", "--no-wait: name the outbox")]
    [InlineData("publish /fleet t x --rate 0", "--rate: '0' must be events per second")]
    [InlineData("publish /fleet t x --count 0", "--count: '0' must be a whole number")]
    [InlineData("publish /fleet t x --header unit", "--header: 'unit' must be NAME=VALUE")]
    [InlineData("publish /fleet t x --timestamp noon", "--timestamp: 'noon' must be a time")]
    [InlineData("publish /fleet t x --cluster sj", "--cluster: cluster 'sj': must be NAME=HOST:PORT")]
    [InlineData("publish /fleet t x --timeout 3", "--timeout: '3' must be a number and a unit")]
    [InlineData("publish /fleet t x --tls-ca nowhere --cluster sj=h:1", "of no use without --tls")]
    [InlineData("consume /fleet --ack", "--ack: name the cursor")]
    [InlineData("consume /fleet a# --cluster sj=127.0.0.1:1", "filter 'a#'")]
    [InlineData("consume /fleet --output xml", "--output: 'xml' must be text, json, raw or hex")]
    [InlineData("consume /fleet --from middle", "--from: 'middle' must be earliest or latest")]
    [InlineData("outbox why f x", "'x' names no event")]
    [InlineData("outbox inspect", "Required argument missing")]
    [InlineData("cursor show c /fleet", "'--http' is required")]
    [InlineData("cursor move c /fleet --http h:1 --to 7", "--to OFFSET needs --partition and --origin")]
    [InlineData("cursor move c /fleet --http h:1 --to soon", "--to: 'soon' must be")]
    [InlineData("bench /fleet --consume --size 3 --cluster sj=127.0.0.1:1 --timeout 1ms", "no cluster answered")]
    public async Task A_wrong_command_line_is_told_in_a_line(string line, string fault)
    {
        CliRun run = await CliRun.RunAsync(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        Assert.Equal(fault == "no cluster answered" ? ExitCode.Unreachable : ExitCode.Usage, run.Code);
        Assert.Contains(fault, run.Error, StringComparison.Ordinal);
        Assert.Empty(run.Out);
    }

    [Fact]
    public async Task Without_a_cluster_the_variable_is_named()
    {
        CliRun run = await CliRun.RunAsync("publish", "/fleet", "t", "x");

        Assert.Equal(ExitCode.Usage, run.Code);
        Assert.Contains("STREAMS_CLUSTERS", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"topic\":\"a\"", "line 2 of the export")]
    [InlineData("{\"payload\":\"a\"}", "line 2 of the export: it has no topic")]
    [InlineData("{\"topic\":\"a+\",\"payload\":\"a\"}", "line 2 of the export: topic name 'a+'")]
    [InlineData("{\"topic\":\"a\",\"payloadBase64\":\"!\"}", "line 2 of the export")]
    [InlineData("[1]", "line 2 of the export")]
    public async Task A_line_of_an_export_that_is_no_event_is_named(string line, string fault)
    {
        using OutboxStory story = new();
        CliRun run = await CliRun.WithInputAsync("{\"topic\":\"t\",\"payload\":\"p\"}\n" + line, "publish", "/fleet", "--from-export", "-",
            "--no-wait", "--outbox", story.File, "--cluster", "sj=127.0.0.1:1");

        Assert.Equal(ExitCode.Usage, run.Code);
        Assert.Contains(fault, run.Error, StringComparison.Ordinal);
        Assert.Single((await CliRun.GoodAsync("outbox", "export", story.File)).Lines);      // what stood before it is kept
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("publish --help")]
    [InlineData("outbox refused retry --help")]
    [InlineData("--version")]
    public async Task Help_goes_to_the_output(string line)
    {
        CliRun run = await CliRun.GoodAsync(line.Split(' '));

        Assert.NotEmpty(run.Out);
        Assert.Empty(run.Error);
    }
}
