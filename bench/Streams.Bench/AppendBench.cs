using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Streams.Core;
using Streams.Storage;

namespace Streams.Bench;

/// <summary>The container under many producers, acknowledged only when flushed, beside what the disk gives a program that writes the same
/// bytes in the same groups, each with one flush.</summary>
internal static class AppendBench
{
    public static async Task RunAsync(string directory, bool small, TextWriter output)
    {
        (string Name, int Clients, int InFlight, int Events)[] loads =
        [
            ("1 client, 1 event", 1, 1, 1),
            ("64 clients, 1 event", 64, 1, 1),
            ("1000 clients, 1 event", 1000, 1, 1),
            ("16 clients, batches of 100", 16, 8, 100),
        ];
        foreach ((string name, int clients, int inFlight, int events) in loads)
        {
            string folder = Path.Combine(directory, Guid.NewGuid().ToString("n"));
            Directory.CreateDirectory(folder);
            try
            {
                TimeSpan time = TimeSpan.FromSeconds(small ? 0.3 : 5);
                (long acknowledged, long bytes, long flushes, double seconds) = await LoadAsync(folder, clients, inFlight, events, time);
                double limit = RawSeconds(Path.Combine(folder, "raw"), bytes, Math.Max(1, flushes));
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"append  {name,-27} {acknowledged / seconds,10:F0} events/s "
                    + $"{bytes / seconds / 1e6,8:F1} MB/s {(double)acknowledged / flushes,8:F1} events/flush   {limit / seconds:F2} "
                    + $"of the disk's own pace"));
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }

    private static async Task<(long Events, long Bytes, long Flushes, double Seconds)> LoadAsync(string folder, int clients, int inFlight,
        int events, TimeSpan time)
    {
        await using Container container = await Container.OpenAsync(new ContainerOptions { Directory = folder }, TimeProvider.System,
            new Random(1), NullLogger.Instance, CancellationToken.None);
        await container.StartWritingAsync(new Origin(ClusterName.Parse("bench"), new Incarnation(1)), CancellationToken.None);
        ContainerStatus before = container.Status();
        long acknowledged = 0;
        long start = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, clients).Select(c => Task.Run(async () =>
        {
            ProducerId producer = ProducerId.ForName($"client {c}");
            ProducerSession session = container.BeginProducer(producer);
            StreamPartition partition = new(StreamPath.Parse("/bench"), new PartitionId(c % 4));
            Queue<Task<ProduceResult>> waiting = new();
            EventBatchBuilder builder = new();
            byte[] payload = new byte[200];
            long sequence = 1;
            while (Stopwatch.GetElapsedTime(start) < time)
            {
                for (int i = 0; i < events; i++)
                {
                    builder.TryAdd("car-17/telemetry"u8, default, default, payload, i);
                }

                (ulong, long) predecessor = sequence == 1 ? default : (1UL, sequence - 1);
                EventBatch batch = builder.Build(new EventIdentity(producer, 1, sequence), predecessor, mayHaveTwins: false);
                sequence += events;
                waiting.Enqueue(container.ProduceAsync(session, partition, AfterVector.Empty, batch, CancellationToken.None).AsTask());
                if (waiting.Count >= inFlight)
                {
                    Count(await waiting.Dequeue());
                }
            }

            while (waiting.TryDequeue(out Task<ProduceResult>? last))
            {
                Count(await last);
            }

            void Count(ProduceResult result) => Interlocked.Add(ref acknowledged,
                result.Refusal == ProduceRefusal.None ? events : throw new InvalidOperationException(result.Detail));
        })));
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        ContainerStatus after = container.Status();
        return (acknowledged, after.BytesWritten - before.BytesWritten, after.Flushes - before.Flushes, seconds);
    }

    /// <summary>How long it takes to write so many bytes in so many equal pieces, each flushed, into an allocated file.</summary>
    private static double RawSeconds(string path, long bytes, long flushes)
    {
        byte[] piece = new byte[Math.Max(1, bytes / flushes)];
        DirectoryDisk disk = new(Path.GetDirectoryName(path)!);
        using ILogFile file = disk.Create(Path.GetFileName(path));
        file.SetLength(piece.Length * flushes);
        file.Flush();
        long start = Stopwatch.GetTimestamp();
        for (long i = 0; i < flushes; i++)
        {
            file.Write(i * piece.Length, piece);
            file.Flush();
        }

        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
