using System.Xml.Linq;

namespace Streams.Tidy.Tests;

/// <summary>What a project file says about its dependencies.</summary>
public sealed record ProjectFile(string Path, string Name, string Area, IReadOnlyList<string> Projects, IReadOnlyList<string> Packages)
{
    public bool IsProduct => Area is "sdk" or "server" or "edge-agent";

    public static ProjectFile Parse(RepositoryFile file)
    {
        var xml = XDocument.Parse(file.Text);
        return new ProjectFile(
            file.Path,
            System.IO.Path.GetFileNameWithoutExtension(file.Path),
            file.Path.Split('/')[0],
            [.. References(xml, "ProjectReference").Where(IsArrow).Select(TargetName)],
            [.. References(xml, "PackageReference").Select(reference => (string?)reference.Attribute("Include") ?? "")]);
    }

    private static IEnumerable<XElement> References(XDocument xml, string kind)
        => xml.Descendants().Where(element => element.Name.LocalName == kind && element.Attribute("Include") is not null);

    /// <summary>A project that is only built beside this one, to be started as a process, is no dependency of the code.</summary>
    private static bool IsArrow(XElement reference)
        => !string.Equals((string?)reference.Attribute("ReferenceOutputAssembly"), "false", StringComparison.OrdinalIgnoreCase);

    private static string TargetName(XElement reference)
        => System.IO.Path.GetFileNameWithoutExtension(((string)reference.Attribute("Include")!).Replace('\\', '/'));
}
