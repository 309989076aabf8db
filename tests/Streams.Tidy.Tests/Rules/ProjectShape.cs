using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Streams.Tidy.Tests;

/// <summary>Names and places of projects, and where package versions stand.</summary>
public static partial class ProjectShape
{
    private static readonly string[] TestProjectsOfOtherName = ["Streams.Testing", "Streams.Simulation", "Streams.Faults"];

    /// <summary>A project stands in AREA/NAME/NAME.csproj, is called what it is, and does not rename itself.</summary>
    public static IReadOnlyList<Fault> CheckNames(RepositoryFile file)
    {
        List<Fault> faults = [];
        var parts = file.Path.Split('/');
        var name = Path.GetFileNameWithoutExtension(file.Path);
        if (parts.Length != 3 || parts[1] != name)
        {
            faults.Add(new Fault(file.Path, 0, "a project stands in AREA/NAME/NAME.csproj"));
        }

        if (parts[0] != "samples" && !name.StartsWith("Streams.", StringComparison.Ordinal))
        {
            faults.Add(new Fault(file.Path, 0, "the name of a project begins with 'Streams.'"));
        }

        var isTests = name.EndsWith(".Tests", StringComparison.Ordinal) || TestProjectsOfOtherName.Contains(name);
        if (isTests != (parts[0] == "tests"))
        {
            faults.Add(new Fault(file.Path, 0, "what ends in .Tests stands in tests/, and all else does not"));
        }

        if (name.Split('.').Any(word => CodeText.BannedNameEnding().IsMatch(word)))
        {
            faults.Add(new Fault(file.Path, 0, "the name says nothing about what is in it"));
        }

        if (XDocument.Parse(file.Text).Descendants().Any(element => element.Name.LocalName is "RootNamespace" or "AssemblyName"))
        {
            faults.Add(new Fault(file.Path, 0, "assembly and namespace are named after the project"));
        }

        return faults;
    }

    /// <summary>The solution holds every project and no other.</summary>
    public static IReadOnlyList<Fault> CheckSolution(RepositoryFile solution, IEnumerable<RepositoryFile> projectFiles)
    {
        var listed = ListedProject().Matches(solution.Text).Select(match => match.Groups[1].Value.Replace('\\', '/')).ToHashSet();
        var present = projectFiles.Select(file => file.Path).ToHashSet();
        return
        [
            .. present.Except(listed).Order().Select(path => new Fault(path, 0, $"is missing from {solution.Path}")),
            .. listed.Except(present).Order().Select(path => new Fault(solution.Path, 0, $"lists {path}, which does not exist")),
        ];
    }

    /// <summary>Versions of packages stand in Directory.Packages.props and nowhere else.</summary>
    public static IReadOnlyList<Fault> CheckPackageVersions(RepositoryFile file)
    {
        if (file.Path == "Directory.Packages.props")
        {
            return [];
        }

        var names = XDocument.Parse(file.Text).Descendants().Where(element => element.Name.LocalName switch
        {
            "PackageVersion" or "GlobalPackageReference" => true,
            "PackageReference" => SaysVersion(element),
            _ => false,
        });
        return [.. names.Select(element => new Fault(
            file.Path, 0, $"the version of {(string?)element.Attribute("Include")} belongs into Directory.Packages.props"))];
    }

    private static bool SaysVersion(XElement reference)
        => reference.Attributes().Select(attribute => attribute.Name.LocalName)
            .Concat(reference.Elements().Select(element => element.Name.LocalName))
            .Any(name => name is "Version" or "VersionOverride");

    [GeneratedRegex("""^Project\("[^"]*"\) = "[^"]*", "([^"]+\.csproj)",""", RegexOptions.Multiline)]
    private static partial Regex ListedProject();
}
