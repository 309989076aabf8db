namespace Streams.Tidy.Tests;

/// <summary>
/// Each rule about source text refuses a bad example and accepts a good one. Forbidden words are put together from halves, for this file is
/// held to the rules as well.
/// </summary>
public sealed class CodeRuleTests
{
    private const string Path = "server/Streams.Storage/Log/A.cs";

    [Theory]
    [InlineData(500, 0)]
    [InlineData(501, 1)]
    public void A_file_over_the_limit_is_refused(int lines, int faults)
        => Assert.Equal(faults, CodeText.CheckLength(Code(string.Concat(Enumerable.Repeat("x\n", lines)))).Count);

    [Theory]
    [InlineData(140, 0)]
    [InlineData(141, 1)]
    public void A_line_over_the_limit_is_refused(int columns, int faults)
    {
        var found = CodeText.CheckColumns(Code($"short\r\n{new string('x', columns)}\r\n"));
        Assert.Equal(faults, found.Count);
        Assert.All(found, fault => Assert.Equal(2, fault.Line));
    }

    [Theory]
    [InlineData(1, 10, 0)]
    [InlineData(2, 10, 2)]
    [InlineData(0, 0, 0)]
    public void More_than_one_long_file_in_ten_is_refused(int longFiles, int allFiles, int faults)
    {
        var files = Enumerable.Range(0, allFiles).Select(index => index < longFiles ? 251 : 250)
            .Select(lines => Code(string.Concat(Enumerable.Repeat("x\n", lines))));
        Assert.Equal(faults, FileSizes.CheckNineInTen(files).Count);
    }

    [Theory]
    [InlineData("public sealed class Log", "Manager", 1)]
    [InlineData("internal static partial class Path", "Helper", 1)]
    [InlineData("public readonly record struct Path", "Helpers", 1)]
    [InlineData("    private enum Byte", "Utils", 1)]
    [InlineData("file interface I", "Common", 1)]
    [InlineData("class ", "Common", 1)]
    [InlineData("public sealed class Log", "ManagerTable", 0)]
    [InlineData("// the class of a Log", "Manager", 0)]
    [InlineData("public sealed class Un", "common", 0)]
    public void A_type_name_that_says_nothing_is_refused(string declaration, string ending, int faults)
        => Assert.Equal(faults, CodeText.CheckTypeNames(Code(declaration + ending + "\n{\n}\n")).Count);

    [Theory]
    [InlineData("namespace Streams.Storage;", 0)]
    [InlineData("namespace Streams.Storage.Log;", 1)]
    [InlineData("namespace Streams.Cluster\n{\n}", 1)]
    [InlineData("public class A;", 1)]
    [InlineData("[assembly: Something]", 0)]
    public void A_namespace_other_than_the_projects_is_refused(string text, int faults)
        => Assert.Equal(faults, CodeText.CheckNamespace(Code(text)).Count);

    [Theory]
    [InlineData("/// <param name=\"x\"></param>", 1)]
    [InlineData("    /// <summary>\n    /// </summary>", 1)]
    [InlineData("/// <returns> </returns>\n/// <remarks></remarks>", 2)]
    [InlineData("/// <summary>Says something.</summary>", 0)]
    [InlineData("/// <inheritdoc/>\n/// <summary>See <see cref=\"A\"/>.</summary>", 0)]
    [InlineData("/// <summary>\nvar x = 1;\n/// </summary>", 0)]
    [InlineData("var text = \"/// <summary></summary>\";", 0)]
    public void An_empty_documentation_tag_is_refused(string text, int faults)
        => Assert.Equal(faults, CodeText.CheckEmptyDocTags(Code(text)).Count);

    [Theory]
    [InlineData("// TO", "DO: later", 1)]
    [InlineData("FIX", "ME", 1)]
    [InlineData("# HA", "CK", 1)]
    [InlineData("TO", "DOS", 0)]
    [InlineData("to", "do", 0)]
    public void Unfinished_business_is_refused(string half, string otherHalf, int faults)
        => Assert.Equal(faults, CodeText.CheckLeftovers(Code(half + otherHalf)).Count);

    [Theory]
    [InlineData("see /wo", "rk/x", 1)]
    [InlineData("\"/ro", "ot/.nuget\"", 1)]
    [InlineData("frame/wo", "rk/x", 0)]
    [InlineData("{home}/wo", "rk/x", 0)]
    [InlineData("/wo", "rker/x", 0)]
    public void A_path_of_one_machine_is_refused(string half, string otherHalf, int faults)
        => Assert.Equal(faults, CodeText.CheckMachinePaths(Code(half + otherHalf)).Count);

    [Fact]
    public void An_event_id_used_twice_is_refused_over_all_files()
    {
        var fault = Assert.Single(LogEvents.Check([
            new("server/A/A.cs", """[LoggerMessage(EventId = 1001, Level = LogLevel.Debug, Message = "a (b) [c] \" d")]"""),
            new("server/B/B.cs", """
                [LoggerMessage(1002, LogLevel.Debug, "a")]
                [LoggerMessage(Level = LogLevel.Error,
                    Message = "b",
                    EventId = 1_001)]
                """),
        ]));
        Assert.Equal("server/B/B.cs:2: EventId 1001 is taken by server/A/A.cs:1", fault.ToString());
    }

    [Theory]
    [InlineData("""[LoggerMessage(Level = LogLevel.Debug, Message = "a")]""")]
    [InlineData("""[LoggerMessage(Level = LogLevel.Debug, Message = "EventId = 5, and so on")]""")]
    [InlineData("""[LoggerMessage(LogLevel.Debug, "a")]""")]
    [InlineData("""[LoggerMessage(EventId = Ids.First, Level = LogLevel.Debug)]""")]
    [InlineData("""[LoggerMessage(EventId = 5 + Offset, Level = LogLevel.Debug)]""")]
    [InlineData("""[LoggerMessage]""")]
    public void An_event_id_that_is_not_written_out_is_refused(string attribute)
        => Assert.Single(LogEvents.Check([Code(attribute)]));

    [Fact]
    public void A_message_that_speaks_of_an_event_id_is_not_taken_for_one()
        => Assert.Empty(LogEvents.Check([
            Code("""[LoggerMessage(Level = LogLevel.Debug, Message = "EventId = 5, x", EventId = 6)]"""),
            Code("""[LoggerMessage(eventId: 5, level: LogLevel.Debug, message: "x")]"""),
        ]));

    private static RepositoryFile Code(string text) => new(Path, text);
}
