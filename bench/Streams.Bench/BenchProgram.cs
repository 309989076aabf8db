using System.Globalization;

namespace Streams.Bench;

/// <summary>Measures the parts against a physical limit of this machine, taken in the same run: read the ratios, not the
/// absolutes.</summary>
internal static class BenchProgram
{
    private const string Usage = """
        usage: Streams.Bench [append] [codec] [--small] [--dir FOLDER]

          append   the container: one write and one flush for many, against plain writes with fdatasync
          codec    batches made and parsed, against copying the same bytes
          --small  a second's worth, to see that it runs
          --dir    where the files are written (a temporary folder)
        """;

    public static async Task<int> RunAsync(string[] args, TextWriter output, TextWriter errors)
    {
        List<string> what = [];
        bool small = false;
        string directory = Path.Combine(Path.GetTempPath(), "streams-bench");
        for (int i = 0; i < args.Length; i++)
        {
            switch (args[i])
            {
                case "append" or "codec":
                    what.Add(args[i]);
                    break;
                case "--small":
                    small = true;
                    break;
                case "--dir" when i + 1 < args.Length:
                    directory = args[++i];
                    break;
                default:
                    await errors.WriteLineAsync($"unknown argument '{args[i]}'\n{Usage}");
                    return 2;
            }
        }

        await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
            $"{Environment.ProcessorCount} cores, {System.Runtime.InteropServices.RuntimeInformation.OSDescription}, .NET "
            + $"{Environment.Version}"));
        if (what.Count == 0 || what.Contains("codec"))
        {
            CodecBench.Run(small, output);
        }

        if (what.Count == 0 || what.Contains("append"))
        {
            await AppendBench.RunAsync(directory, small, output);
        }

        return 0;
    }
}
