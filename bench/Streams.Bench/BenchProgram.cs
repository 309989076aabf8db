using System.Globalization;
using System.Runtime.InteropServices;

namespace Streams.Bench;

/// <summary>Measures the parts against a physical limit of this machine, taken in the same run: read the ratios, not the
/// absolutes.</summary>
internal static class BenchProgram
{
    private const string Usage = """
        usage: Streams.Bench [--rows NAME,NAME…] [--repeat N] [--small] [--directory FOLDER]

          --rows       which rows; all but the long ones (client-memory-10m) when it is left out
          --repeat     how often each is measured; the median counts (5)
          --small      as short as can be, to see that it runs
          --directory  where files are written: the disk that is measured (a temporary folder)
        """;

    private static readonly BenchRow[] Rows =
    [
        new Append64KRow(),
        new Append100BRow(),
        new Append4KRow(),
        new TopicsRow(1000),
        new TopicsRow(100_000),
        new TopicsRow(1_000_000),
        new ReplayRow(cold: true),
        new ReplayRow(cold: false),
        new TopicReadRow(),
        new MemoryRow(),
        new OpenRow(),
        new MqttPublishRow(100),
        new MqttPublishRow(1000),
        new MqttFanOutRow(),
        new MqttIdleRow(),
        new ClientPublishRow(100, 1_000_000),
        new ClientPublishRow(1024, 250_000),
        new ClientReplayRow(100, 5_000_000),
        new ClientReplayRow(1024, 1_200_000),
        new ClientTailRow(),
        new ClientPacedRow(),
        new ClientLiveRow(),
        new OutboxRow(),
        new ClientMemoryRow(),
        new AgentIdleRow(),
        new AgentMemoryRow(),
        new AgentCpuRow(),
        new AgentWireRow(),
        new AgentDiskRow(),
    ];

    public static async Task<int> RunAsync(string[] args, TextWriter output, TextWriter errors)
    {
        HashSet<string> wanted = [];
        bool small = false;
        int repeat = 0;
        string directory = Path.Combine(Path.GetTempPath(), "streams-bench");
        for (int i = 0; i < args.Length; i++)
        {
            bool hasValue = i + 1 < args.Length;
            switch (args[i])
            {
                case "--rows" when hasValue:
                    wanted.UnionWith(args[++i].Split(','));
                    break;
                case "--repeat" when hasValue && int.TryParse(args[i + 1], CultureInfo.InvariantCulture, out repeat) && repeat > 0:
                    i++;
                    break;
                case "--small":
                    small = true;
                    break;
                case "--directory" when hasValue:
                    directory = args[++i];
                    break;
                default:
                    await errors.WriteLineAsync($"argument '{args[i]}' is not understood\n{Usage}");
                    return 2;
            }
        }

        string[] unknown = [.. wanted.Except([.. Rows.Select(r => r.Name), "codec"])];
        if (unknown.Length > 0)
        {
            await errors.WriteLineAsync($"no row is named {string.Join(", ", unknown)}; there are codec, "
                + string.Join(", ", Rows.Select(r => r.Name)));
            return 2;
        }

        await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
            $"{Environment.ProcessorCount} cores, {RuntimeInformation.OSDescription}, .NET {Environment.Version}, {directory}"));
        BenchRun run = new(directory, small);
        if (wanted.Count == 0 || wanted.Contains("codec"))
        {
            CodecBench.Run(small, output);
        }

        foreach (BenchRow row in Rows.Where(r => wanted.Count == 0 ? !r.IsLong : wanted.Contains(r.Name)))
        {
            await MeasureAsync(row, run, repeat > 0 ? repeat : small ? 1 : 5, output);
        }

        return 0;
    }

    private static async Task MeasureAsync(BenchRow row, BenchRun run, int repeat, TextWriter output)
    {
        using BenchRow disposed = row;
        await output.WriteLineAsync($"{row.Name}: {row.Measures}\n    beside {row.Reference}");
        await row.PrepareAsync(run);
        List<Measured> all = [];
        for (int i = 0; i < repeat; i++)
        {
            Measured one = await row.MeasureAsync(run);
            all.Add(one);
            await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
                $"    {one.Figure,10:F1} {one.Unit}   beside {one.Reference,10:F1}   {one.Figure / one.Reference:F2}   {one.Remark}"));
        }

        double ratio = Median(all.Select(m => m.Figure / m.Reference));
        await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
            $"row {row.Name,-15} {Median(all.Select(m => m.Figure)),10:F2} {all[0].Unit,-10} beside "
            + $"{Median(all.Select(m => m.Reference)),10:F2}   {ratio,5:F2} of it   goal {row.Goal}"));
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
