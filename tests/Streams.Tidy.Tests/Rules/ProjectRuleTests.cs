namespace Streams.Tidy.Tests;

/// <summary>Each rule about projects refuses a bad example and accepts a good one.</summary>
public sealed class ProjectRuleTests
{
    [Theory]
    [InlineData("sdk/Streams.Client", "server/Streams.Storage", "sdk may not know Streams.Storage")]
    [InlineData("sdk/Streams.Client", "edge-agent/Streams.EdgeAgent", "sdk may not know Streams.EdgeAgent")]
    [InlineData("edge-agent/Streams.EdgeAgent", "server/Streams.Geo", "edge-agent may not know Streams.Geo")]
    [InlineData("server/Streams.Gateways", "server/Streams.Storage", "may not know Streams.Storage")]
    [InlineData("server/Streams.Gateways", "server/Streams.Cluster", "may not know Streams.Cluster")]
    [InlineData("server/Streams.Geo", "server/Streams.Storage", "may not know Streams.Storage")]
    [InlineData("server/Streams.Geo", "server/Streams.Cluster", "may not know Streams.Cluster")]
    [InlineData("server/Streams.Storage", "server/Streams.Cluster", "may not know Streams.Cluster")]
    [InlineData("sdk/Streams.Core", "sdk/Streams.Mqtt", "Streams.Core depends on nothing")]
    [InlineData("sdk/Streams.Mqtt", "sdk/Streams.Client", "Streams.Mqtt knows only Streams.Core")]
    [InlineData("server/Streams.Storage", "tests/Streams.Testing", "product code may not know Streams.Testing")]
    [InlineData("server/Streams.Storage", "samples/QuickStart", "product code may not know QuickStart")]
    public void A_forbidden_arrow_is_refused_directly_and_by_a_detour(string from, string to, string message)
    {
        Assert.Contains(ProjectArrows.Check([Project(from, to), Project(to)]), IsExpected);
        if (from is not ("sdk/Streams.Core" or "sdk/Streams.Mqtt"))
        {
            var detour = ProjectArrows.Check([Project(from, "sdk/Streams.Between"), Project("sdk/Streams.Between", to), Project(to)]);
            Assert.Contains(detour, IsExpected);
        }

        bool IsExpected(Fault fault)
            => fault.Path.StartsWith(from, StringComparison.Ordinal) && fault.Message.Contains(message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_arrows_of_the_design_are_accepted()
        => Assert.Empty(ProjectArrows.Check([
            Project("sdk/Streams.Core"), Project("sdk/Streams.Mqtt", "sdk/Streams.Core"),
            Project("server/Streams.Storage", "sdk/Streams.Core"),
            Project("server/Streams.Cluster", "server/Streams.Storage"), Project("server/Streams.Geo", "sdk/Streams.Core"),
            Project("server/Streams.Gateways", "sdk/Streams.Mqtt"),
            Project("server/Streams.Server", "server/Streams.Cluster", "server/Streams.Geo", "server/Streams.Gateways"),
            Project("tests/Streams.Testing", "sdk/Streams.Core"),
        ]));

    [Fact]
    public void Only_the_server_program_may_know_all_floors()
    {
        var faults = ProjectArrows.Check([
            Project("server/Streams.Storage"), Project("server/Streams.Cluster", "server/Streams.Storage"), Project("server/Streams.Geo"),
            Project("server/Streams.Gateways"),
            Project("server/Streams.Other", "server/Streams.Cluster", "server/Streams.Geo", "server/Streams.Gateways"),
        ]);
        Assert.Equal(
            "server/Streams.Other/Streams.Other.csproj: knows all floors of the server; only Streams.Server may",
            Assert.Single(faults).ToString());
    }

    [Fact]
    public void Core_may_not_even_use_a_package()
        => Assert.Single(ProjectArrows.Check([
            new("sdk/Streams.Core/Streams.Core.csproj", """<Project><PackageReference Include="X" /></Project>"""),
        ]));

    [Fact]
    public void A_reference_to_a_project_that_does_not_exist_is_refused()
        => Assert.Single(ProjectArrows.Check([Project("server/Streams.Storage", "sdk/Streams.Gone")]));

    [Fact]
    public void A_program_built_beside_is_no_arrow()
        => Assert.Empty(ProjectFile.Parse(new("samples/A/A.csproj",
            """<Project><ProjectReference Include="../B/B.csproj" ReferenceOutputAssembly="false" /></Project>""")).Projects);

    [Fact]
    public void A_shared_build_file_may_not_add_references()
        => Assert.Single(ProjectArrows.CheckSharedBuildFile(
            new("Directory.Build.props", """<Project><ProjectReference Include="x" /></Project>""")));

    [Theory]
    [InlineData("server/Streams.Storage/Store.csproj")]
    [InlineData("server/deep/Streams.Storage/Streams.Storage.csproj")]
    [InlineData("server/Storage/Storage.csproj")]
    [InlineData("server/Streams.Storage.Tests/Streams.Storage.Tests.csproj")]
    [InlineData("tests/Streams.Fakes/Streams.Fakes.csproj")]
    [InlineData("server/Streams.Common/Streams.Common.csproj")]
    public void A_project_of_a_wrong_name_or_place_is_refused(string path)
        => Assert.NotEmpty(ProjectShape.CheckNames(new(path, "<Project />")));

    [Fact]
    public void A_project_that_renames_itself_is_refused()
        => Assert.Single(ProjectShape.CheckNames(
            new("sdk/Streams.A/Streams.A.csproj", "<Project><RootNamespace>B</RootNamespace></Project>")));

    [Theory]
    [InlineData("server/Streams.Storage/Streams.Storage.csproj")]
    [InlineData("tests/Streams.Testing/Streams.Testing.csproj")]
    [InlineData("samples/QuickStart/QuickStart.csproj")]
    public void A_project_of_a_right_name_is_accepted(string path) => Assert.Empty(ProjectShape.CheckNames(new(path, "<Project />")));

    [Fact]
    public void A_solution_that_misses_or_invents_a_project_is_refused()
    {
        var solution = new RepositoryFile("Streams.sln", """Project("{1}") = "Streams.A", "sdk\Streams.A\Streams.A.csproj", "{2}" """);
        Assert.Empty(ProjectShape.CheckSolution(solution, [Project("sdk/Streams.A")]));
        Assert.Equal(2, ProjectShape.CheckSolution(solution, [Project("sdk/Streams.B")]).Count);
    }

    [Theory]
    [InlineData("""<Project><PackageReference Include="X" Version="1.0" /></Project>""")]
    [InlineData("""<Project><PackageReference Include="X" VersionOverride="1.0" /></Project>""")]
    [InlineData("""<Project><PackageReference Include="X"><Version>1.0</Version></PackageReference></Project>""")]
    [InlineData("""<Project><PackageVersion Include="X" Version="1.0" /></Project>""")]
    public void A_package_version_outside_of_its_place_is_refused(string text)
    {
        Assert.Single(ProjectShape.CheckPackageVersions(new("sdk/Streams.A/Streams.A.csproj", text)));
        Assert.Empty(ProjectShape.CheckPackageVersions(new("Directory.Packages.props", text)));
    }

    private static RepositoryFile Project(string folder, params string[] references)
    {
        var items = references
            .Select(reference => $"""<ProjectReference Include="..\..\{reference}\{Path.GetFileName(reference)}.csproj" />""");
        return new RepositoryFile(
            $"{folder}/{Path.GetFileName(folder)}.csproj", $"<Project><ItemGroup>{string.Concat(items)}</ItemGroup></Project>");
    }
}
