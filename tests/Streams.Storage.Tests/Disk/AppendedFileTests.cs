using Streams.Testing;

namespace Streams.Storage.Tests;

/// <summary>Files written past the cache hold what was appended, whoever reads them and however they were opened.</summary>
public sealed class AppendedFileTests
{
    private const int TailBytes = 64 << 10;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void What_was_appended_is_read_from_memory_and_from_the_disk(int seed)
    {
        using TemporaryDirectory directory = new();
        Random chance = new(seed);
        DirectoryDisk disk = new(directory.FullName, TailBytes);
        byte[] expected = new byte[2 << 20];
        chance.NextBytes(expected);
        expected.AsSpan(1_500_000).Clear();
        int end = 64;
        using (ILogFile file = disk.Create("a.seg"))
        {
            file.Allocate(0, 1 << 20, written: false);
            file.Write(0, expected.AsSpan(0, end));
            for (bool isLonger = false; end < 1_500_000;)
            {
                if (end > 700_000 && !isLonger)
                {
                    file.Allocate(1 << 20, 2 << 20, written: true);
                    isLonger = true;
                }

                int count = Math.Min(1_500_000 - end, chance.Next(3) == 0 ? chance.Next(1, 100_000) : chance.Next(1, 3000));
                file.Append(end, expected.AsSpan(end, count), flushesNext: chance.Next(3) > 0);
                end += count;
                CheckReads(file, expected, end, chance);
            }

            file.Flush();
        }

        Assert.Equal(expected, File.ReadAllBytes(Path.Combine(directory.FullName, "a.seg")));
        using ILogFile again = disk.Open("a.seg");
        again.Append(end, expected.AsSpan(0, 5000), flushesNext: true);
        expected.AsSpan(0, 5000).CopyTo(expected.AsSpan(end));
        CheckReads(again, expected, end + 5000, chance);
        Assert.Equal(expected, File.ReadAllBytes(Path.Combine(directory.FullName, "a.seg")));
    }

    [Fact]
    public async Task Readers_beside_an_appender_never_see_other_bytes()
    {
        using TemporaryDirectory directory = new();
        DirectoryDisk disk = new(directory.FullName, TailBytes);
        using ILogFile file = disk.Create("a.seg");
        byte[] all = new byte[40_000_000];
        new Random(6).NextBytes(all);
        int end = 0;
        Task reader = Task.Run(() =>
        {
            Random chance = new(7);
            byte[] read = new byte[TailBytes / 2];
            while (Volatile.Read(ref end) < all.Length)
            {
                int until = Volatile.Read(ref end);
                int count = Math.Min(until, read.Length);
                int at = Math.Max(0, until - chance.Next(TailBytes - 4096, TailBytes + 4096));   // about the first byte that is kept
                count = Math.Min(count, until - at);
                Assert.Equal(count, file.Read(at, read.AsSpan(0, count)));
                Assert.True(all.AsSpan(at, count).SequenceEqual(read.AsSpan(0, count)), $"of {count} bytes at {at} some are others");
            }
        });

        Random sizes = new(8);
        while (end < all.Length && !reader.IsCompleted)
        {
            int count = Math.Min(all.Length - end, sizes.Next(1, TailBytes / 2));
            file.Append(end, all.AsSpan(end, count), flushesNext: sizes.Next(50) == 0);
            Volatile.Write(ref end, end + count);
        }

        await reader;
    }

    [Fact]
    public void A_file_may_be_renamed_before_it_is_appended_to()
    {
        using TemporaryDirectory directory = new();
        DirectoryDisk disk = new(directory.FullName, TailBytes);
        using ILogFile file = disk.Create("spare.new");
        file.Allocate(0, 16 << 10, written: true);
        disk.Rename("spare.new", "b.seg");
        file.Append(0, "hello"u8, flushesNext: true);
        file.Flush();
        Assert.Equal("hello"u8.ToArray(), File.ReadAllBytes(Path.Combine(directory.FullName, "b.seg"))[..5]);
        Assert.Equal(["b.seg"], disk.List());
    }

    private static void CheckReads(ILogFile file, byte[] expected, int end, Random chance)
    {
        int count = Math.Min(end, chance.Next(1, 20_000));
        int at = chance.Next(2) == 0 ? end - count : chance.Next(0, end - count + 1);
        byte[] read = new byte[count];
        Assert.Equal(count, file.Read(at, read));
        Assert.True(expected.AsSpan(at, count).SequenceEqual(read), $"{count} bytes at {at} differ, of {end}");
    }
}
