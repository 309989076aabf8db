using System.Diagnostics;
using System.Globalization;
using Microsoft.Data.Sqlite;
using Streams.Client;
using Streams.Core;

namespace Streams.Bench;

/// <summary>One program publishes into the outbox on disk as fast as it goes, waiting for no single event, without a cluster.</summary>
internal sealed class OutboxRow : BenchRow
{
    private const int Payload = 100;

    /// <summary>Publishes under way at most.</summary>
    private const int Window = 16_384;

    private static readonly int[] Batches = [500, 2_000, 8_000, 32_000];

    public override string Name => "outbox-publish-100b";

    public override string Measures => $"one StreamsClient publishes events of {Payload} B into its outbox, flushed in groups, with up to "
        + $"{Window} publishes under way";

    public override string Reference => "rows of the same size into one table by Microsoft.Data.Sqlite alone (WAL, synchronous FULL), with "
        + "the best of several sizes of transactions";

    public override string Goal => ">= 200,000 events/s, >= 0.80";

    public override async Task<Measured> MeasureAsync(BenchRun run)
    {
        using BenchFolder folder = run.Folder();
        int events = run.Small ? 5_000 : 1_000_000;
        double rate = await PublishAsync(Path.Combine(folder.FullName, "outbox.db"), events);
        (double best, int batch) = Batches.Select(size => (Bare(folder.FullName, size, run.Small ? 5_000 : 500_000), size)).Max();
        return new Measured(rate, best, "events/s", string.Create(CultureInfo.InvariantCulture, $"best with {batch} rows a transaction"));
    }

    /// <summary>Publishes so many events of one topic into a client's outbox, with many under way; gives how many in a second.</summary>
    public static async Task<double> FillAsync(StreamsClient client, StreamPath stream, int events, int bytes)
    {
        TopicName topic = TopicName.Parse("bench/one");
        byte[] payload = new byte[bytes];
        new Random(1).NextBytes(payload);
        ValueTask<PublishReceipt>[] underWay = new ValueTask<PublishReceipt>[Math.Min(Window, events)];
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < events; i++)
        {
            int slot = i % underWay.Length;
            if (i >= underWay.Length)
            {
                await underWay[slot];
            }

            underWay[slot] = client.PublishAsync(stream, topic, payload);
        }

        foreach (ValueTask<PublishReceipt> one in underWay)
        {
            await one;
        }

        return events / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static async Task<double> PublishAsync(string path, int events)
    {
        await using StreamsClient client = await StreamsClient.OpenAsync(new StreamsClientOptions
        {
            Name = "bench",
            Clusters = [ClusterEndpoint.Parse("nobody=127.0.0.1:9")],
            OutboxPath = path,
            OutboxBytes = 4L << 30,
            CloseWithin = TimeSpan.Zero,
        });
        return await FillAsync(client, StreamPath.Parse("/bench"), events, Payload);
    }

    private static double Bare(string folder, int batch, int events)
    {
        using SqliteConnection connection = new($"Data Source={Path.Combine(folder, $"bare-{batch}.db")};Pooling=False");
        connection.Open();
        Execute(connection, "PRAGMA journal_mode = WAL");
        Execute(connection, "PRAGMA synchronous = FULL");
        Execute(connection, "CREATE TABLE events (id INTEGER PRIMARY KEY, epoch INTEGER, time INTEGER, bytes INTEGER, topic BLOB, "
            + "payload BLOB)");
        using SqliteCommand insert = connection.CreateCommand();
        insert.CommandText = "INSERT INTO events VALUES ($id, 1, $time, 173, $topic, $payload)";
        SqliteParameter id = insert.Parameters.Add("$id", SqliteType.Integer);
        SqliteParameter time = insert.Parameters.Add("$time", SqliteType.Integer);
        insert.Parameters.Add("$topic", SqliteType.Blob).Value = "bench/one"u8.ToArray();
        byte[] payload = new byte[Payload];
        new Random(1).NextBytes(payload);
        insert.Parameters.Add("$payload", SqliteType.Blob).Value = payload;
        insert.Prepare();
        long start = Stopwatch.GetTimestamp();
        for (long i = 0; i < events;)
        {
            using SqliteTransaction transaction = connection.BeginTransaction();
            insert.Transaction = transaction;
            for (int n = 0; n < batch && i < events; n++, i++)
            {
                id.Value = i + 1;
                time.Value = start;
                insert.ExecuteNonQuery();
            }

            transaction.Commit();
        }

        return events / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static void Execute(SqliteConnection connection, string text)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = text;
        command.ExecuteNonQuery();
    }
}
