namespace Streams.Tidy.Tests;

/// <summary>How long files are taken together.</summary>
public static class FileSizes
{
    public const int MaxOfNineInTen = 250;

    public static IReadOnlyList<Fault> CheckNineInTen(IEnumerable<RepositoryFile> files)
    {
        var sizes = files.Select(file => (file.Path, file.Lines.Count)).OrderBy(file => file.Count).ToArray();
        var tooLong = sizes.Where(file => file.Count > MaxOfNineInTen).ToArray();

        // Nearest rank: the smallest size that at least nine in ten files do not exceed.
        return tooLong.Length * 10 <= sizes.Length
            ? []
            : [.. tooLong.Select(file => new Fault(
                file.Path, 0, $"{file.Count} lines, one of {tooLong.Length} of {sizes.Length} files over {MaxOfNineInTen}"))];
    }
}
