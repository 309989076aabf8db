using Streams.Testing;

namespace Streams.Tidy.Tests;

/// <summary>Each rule about documents refuses a bad example and accepts a good one; and files are found without git too.</summary>
public sealed class DocumentRuleTests
{
    private static readonly HashSet<string> Files =
        ["README.md", "sdk/Streams.Core/Offset.cs", "docs/architecture.md", "docs/a b.md", "eng/test.sh", ".ci/run"];

    [Theory]
    [InlineData("# One\n\ntext\n## Two\n", 0)]
    [InlineData("One\n===\ntext\n", 0)]
    [InlineData("# One\n```sh\n# a comment\n```\n", 0)]
    [InlineData("## Two\n", 1)]
    [InlineData("# One\n# Another\n", 1)]
    [InlineData("One\n===\n# Another\n", 1)]
    [InlineData("~~~\n# Not a title\n~~~\n", 1)]
    public void A_document_without_exactly_one_title_is_refused(string text, int faults)
        => Assert.Equal(faults, Documents.CheckTitle(new("docs/a.md", text)).Count);

    [Theory]
    [InlineData("[a](architecture.md) [b](../README.md#top) [c](/eng/test.sh) [d](../sdk) [e](<../sdk/Streams.Core/>) [f](a%20b.md)", 0)]
    [InlineData("[a](https://example.org/x) [b](#here) [c](mailto:a@example.org)", 0)]
    [InlineData("`[a](gone.md)`", 0)]
    [InlineData("```\n[a](gone.md)\n```", 0)]
    [InlineData("[a](gone.md)", 1)]
    [InlineData("![picture](gone.png \"title\")", 1)]
    [InlineData("[a](README.md)", 1)]
    [InlineData("[a](../../README.md)", 1)]
    [InlineData("[a]: gone.md", 1)]
    public void A_link_that_leads_nowhere_is_refused(string text, int faults)
        => Assert.Equal(faults, Documents.CheckLinks(new("docs/x.md", text), Files).Count);

    [Theory]
    [InlineData("`sdk/Streams.Core/Offset.cs`, `sdk/Streams.Core/`, `./eng/test.sh`, `docs/architecture.md:12`, `.ci/run`", 0)]
    [InlineData("`bash eng/test.sh --filter x`", 0)]
    [InlineData("`docs/<name>.md`, `docs/*.md`, `sdk/NAME/NAME.cs`, `docs/NNNN-title.md`, `docs/…`, `sdk/{a,b}`", 0)]
    [InlineData("`/fleet:car-17/telemetry`, `fleet/x`, `application/json`, sdk/gone.cs", 0)]
    [InlineData("`sdk/Streams.Core/bin/Release/net10.0/Streams.Core.dll`", 0)]
    [InlineData("```\nsdk/gone.cs\n```", 0)]
    [InlineData("`sdk/gone.cs`", 1)]
    [InlineData("`docs/README.md`", 1)]
    [InlineData("``bash eng/gone.sh``", 1)]
    [InlineData("`--config=eng/gone.json`", 1)]
    [InlineData("```sh\nbash eng/gone.sh\n```", 1)]
    public void A_named_path_that_does_not_exist_is_refused(string text, int faults)
        => Assert.Equal(faults, Documents.CheckNamedPaths(new("docs/x.md", text), Files).Count);

    [Theory]
    [InlineData("0001-a.md 0002-b.md README.md", 0)]
    [InlineData("0002-b.md", 1)]
    [InlineData("0001-a.md 0003-c.md", 1)]
    [InlineData("0001-a.md 0001-b.md", 1)]
    [InlineData("0001-a.md 2-b.md", 1)]
    [InlineData("0001-a.md notes.md", 1)]
    public void Decisions_with_gaps_or_repeats_are_refused(string names, int faults)
        => Assert.Equal(faults, Documents.CheckDecisionNumbers(names.Split(' ').Select(name => "docs/decisions/" + name)).Count);

    [Theory]
    [InlineData("| MQTT-1.5.4-1 | text | `CarTests.It_drives`, `CarTests.It_stops` |", 0)]
    [InlineData("| MQTT-1.5.4-1 | text | open |\n### 5\n| MQTT-1.5.4-1 | text | open |", 0)]
    [InlineData("`CarTests.It_flies` is no row", 0)]
    [InlineData("| MQTT-1.5.4-1 | text | open |\n| MQTT-1.5.4-1 | text | open |", 1)]
    [InlineData("| MQTT-1.5.4-1 | text | `CarTests.It_flies` |", 1)]
    [InlineData("| MQTT-1.5.4-1 | text | `CarTests.Help` |", 1)]
    public void A_conformance_row_that_comes_twice_or_names_no_test_is_refused(string text, int faults)
    {
        RepositoryFile code = new("tests/CarTests.cs", """
            public sealed class CarTests
            {
                [Fact]
                public void It_drives() { }

                [Theory]
                [InlineData(1)]
                public async Task It_stops(int x) { }

                public void Help() { }
            }
            """);
        Assert.Equal(faults, ConformanceRows.Check(new("docs/x.md", text), [code]).Count);
    }

    [Theory]
    [InlineData("| demand | `CarTests.It_drives`, `CarTests`, `docs/x.md`, `Car.Drive` |", 0)]
    [InlineData("| demand | `CarTests.It_flies` |\n| demand | `ShipTests` |", 2)]
    public void A_document_that_names_a_test_that_does_not_exist_is_refused(string text, int faults)
    {
        RepositoryFile code = new("tests/CarTests.cs", """
            public sealed class CarTests
            {
                [Fact]
                public void It_drives() { }
            }
            """);
        Assert.Equal(faults, ConformanceRows.CheckNames(new("docs/x.md", text), [code]).Count);
    }

    [Fact]
    public void Without_git_the_tree_is_walked_without_build_output()
    {
        using var directory = new TemporaryDirectory();
        File.WriteAllText(Path.Combine(directory.CreateDirectory("sdk", "A"), "A.cs"), "text");
        File.WriteAllText(Path.Combine(directory.CreateDirectory("sdk", "A", "bin"), "A.dll"), "text");
        File.WriteAllText(Path.Combine(directory.CreateDirectory("sdk", "A", "obj"), "A.g.cs"), "text");
        File.WriteAllText(directory.Combine("picture.bin"), "a\0b");

        Assert.Equal(["picture.bin", "sdk/A/A.cs"], RepositoryFiles.Walk(directory.FullName).Order());
        Assert.Equal(["sdk/A/A.cs"], RepositoryFiles.Read(directory.FullName).Select(file => file.Path));
    }
}
