using System.Diagnostics;
using System.Globalization;
using Streams.Testing;

namespace Streams.Storage.Tests;

/// <summary>Parts of real files are given back.</summary>
public sealed class HolePunchTests
{
    [Fact]
    public void What_was_punched_reads_as_zeros_and_takes_no_space_and_the_rest_stays()
    {
        using TemporaryDirectory folder = new();
        using ILogFile file = new DirectoryDisk(folder.FullName).Create("a");
        byte[] bytes = new byte[1 << 20];
        Array.Fill(bytes, (byte)7);
        file.Write(0, bytes);
        file.Flush();
        long before = Blocks(folder.Combine("a"));
        if (!file.TryPunch(64 << 10, 512 << 10))
        {
            Assert.False(OperatingSystem.IsLinux(), "the file system of the temporary folder cannot punch holes");
            return;
        }

        Assert.Equal(1 << 20, file.Length);
        Assert.Equal(before - (512 << 10), Blocks(folder.Combine("a")));
        Assert.Equal(1 << 20, file.Read(0, bytes));
        Assert.Equal(-1, bytes.AsSpan(0, 64 << 10).IndexOfAnyExcept((byte)7));
        Assert.Equal(-1, bytes.AsSpan(64 << 10, 512 << 10).IndexOfAnyExcept((byte)0));
        Assert.Equal(-1, bytes.AsSpan(576 << 10).IndexOfAnyExcept((byte)7));
    }

    private static long Blocks(string path)
    {
        using Process stat = Process.Start(new ProcessStartInfo("stat", ["-c", "%b", path]) { RedirectStandardOutput = true })!;
        string text = stat.StandardOutput.ReadToEnd();
        stat.WaitForExit();
        return long.Parse(text, CultureInfo.InvariantCulture) * 512;
    }
}
