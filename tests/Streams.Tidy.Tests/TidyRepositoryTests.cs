using Streams.Testing;

namespace Streams.Tidy.Tests;

/// <summary>Every rule over the whole repository. All breaches of a rule are shown at once.</summary>
public sealed class TidyRepositoryTests
{
    private static IEnumerable<RepositoryFile> Code => RepositoryFiles.All.Where(file => file.IsCSharp);

    private static IEnumerable<RepositoryFile> ProductCode => Code.Where(file => file.IsProduct);

    private static IEnumerable<RepositoryFile> Projects => RepositoryFiles.All.Where(file => file.IsProject);

    private static IEnumerable<RepositoryFile> BuildFiles
        => RepositoryFiles.All.Where(file => file.IsProject || file.Name.EndsWith(".props", StringComparison.Ordinal)
            || file.Name.EndsWith(".targets", StringComparison.Ordinal));

    private static IEnumerable<RepositoryFile> Markdown => RepositoryFiles.All.Where(file => file.IsMarkdown);

    private static HashSet<string> Paths => [.. RepositoryFiles.All.Select(file => file.Path)];

    [Fact]
    public void The_repository_is_read_whole()
    {
        Assert.Contains("Streams.sln", Paths);
        Assert.True(Code.Count() > 20, "hardly any source files were found");
        Assert.Contains(Projects, file => file.Path == "server/Streams.Server/Streams.Server.csproj");
    }

    [Fact]
    public void Projects_know_only_what_they_may_know()
        => None([
            .. ProjectArrows.Check(Projects),
            .. BuildFiles.Where(file => !file.IsProject).SelectMany(ProjectArrows.CheckSharedBuildFile),
        ]);

    [Fact]
    public void Projects_are_named_and_placed_by_the_rules() => None(Projects.SelectMany(ProjectShape.CheckNames));

    [Fact]
    public void The_solution_holds_every_project()
        => None(ProjectShape.CheckSolution(RepositoryFiles.All.Single(file => file.Path == "Streams.sln"), Projects));

    [Fact]
    public void Package_versions_stand_in_one_place() => None(BuildFiles.SelectMany(ProjectShape.CheckPackageVersions));

    [Fact]
    public void No_source_file_is_too_long() => None(Code.SelectMany(CodeText.CheckLength));

    [Fact]
    public void Nine_in_ten_product_files_are_short() => None(FileSizes.CheckNineInTen(ProductCode));

    [Fact]
    public void No_source_line_is_too_long() => None(Code.SelectMany(CodeText.CheckColumns));

    [Fact]
    public void Type_names_say_something() => None(Code.SelectMany(CodeText.CheckTypeNames));

    [Fact]
    public void Product_code_lives_in_the_namespace_of_its_project() => None(ProductCode.SelectMany(CodeText.CheckNamespace));

    [Fact]
    public void Documentation_comments_are_not_empty() => None(Code.SelectMany(CodeText.CheckEmptyDocTags));

    [Fact]
    public void No_unfinished_business_is_left_in_the_text() => None(RepositoryFiles.All.SelectMany(CodeText.CheckLeftovers));

    [Fact]
    public void No_path_of_one_machine_is_in_the_text() => None(RepositoryFiles.All.SelectMany(CodeText.CheckMachinePaths));

    [Fact]
    public void Log_event_ids_are_explicit_and_unique() => None(LogEvents.Check(ProductCode));

    [Fact]
    public void Every_document_has_one_title() => None(Markdown.SelectMany(Documents.CheckTitle));

    [Fact]
    public void Links_in_documents_lead_somewhere() => None(Markdown.SelectMany(file => Documents.CheckLinks(file, Paths)));

    [Fact]
    public void Paths_named_in_documents_exist() => None(Markdown.SelectMany(file => Documents.CheckNamedPaths(file, Paths)));

    [Fact]
    public void Tests_named_in_the_conformance_table_exist()
        => None(ConformanceRows.Check(RepositoryFiles.All.Single(file => file.Path == "docs/mqtt.md"), Code));

    [Fact]
    public void Tests_named_in_the_list_of_demands_exist()
        => None(ConformanceRows.CheckNames(RepositoryFiles.All.Single(file => file.Path == "docs/demands.md"), Code));

    [Fact]
    public void Decisions_are_numbered_without_gaps() => None(Documents.CheckDecisionNumbers(Paths));

    [Theory]
    [InlineData(".ci/run")]
    [InlineData("eng/test.sh")]
    [InlineData("eng/tools.sh")]
    public void Scripts_can_be_executed(string path)
        => Assert.True(
            OperatingSystem.IsWindows() || File.GetUnixFileMode(Path.Combine(Repository.Root, path)).HasFlag(UnixFileMode.UserExecute),
            $"{path} is not executable");

    private static void None(IEnumerable<Fault> faults)
    {
        Fault[] all = [.. faults];
        Assert.True(all.Length == 0, $"{all.Length} faults:{Environment.NewLine}{string.Join(Environment.NewLine, all.AsEnumerable())}");
    }
}
