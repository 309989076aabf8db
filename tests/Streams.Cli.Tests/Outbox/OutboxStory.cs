using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Streams.Client;
using Streams.Core;
using Streams.Testing;

namespace Streams.Cli.Tests;

/// <summary>An outbox's file made by the client's own code, and damaged by SQL.</summary>
internal sealed class OutboxStory : IDisposable
{
    public static readonly StreamPath Fleet = StreamPath.Parse("/fleet");
    private readonly TemporaryDirectory _directory = new();
    private int _seed;

    public string File => _directory.Combine("outbox.db");

    public string Combine(string name) => _directory.Combine(name);

    public EventOutbox Open() => EventOutbox.Open(File, 64 << 20, TimeProvider.System, new Random(++_seed), NullLogger.Instance);

    /// <summary>An opening in which so many events of a topic are published: <c>topic 1</c>, <c>topic 2</c>, …</summary>
    public async Task<List<PublishReceipt>> PublishAsync(int count, string topic = "car-1")
    {
        await using EventOutbox outbox = Open();
        return await PublishAsync(outbox, count, topic);
    }

    public static async Task<List<PublishReceipt>> PublishAsync(EventOutbox outbox, int count, string topic = "car-1")
    {
        List<PublishReceipt> receipts = [];
        for (int i = 1; i <= count; i++)
        {
            receipts.Add(await outbox.PublishAsync(Fleet, Event(topic, $"{topic} {i}"), default));
        }

        return receipts;
    }

    public static PlainEvent Event(string topic, string payload) => new(Encoding.UTF8.GetBytes(topic), Encoding.UTF8.GetBytes("k"),
        EventHeader.Encode([new EventHeader("unit", "km/h"u8.ToArray())]), Encoding.UTF8.GetBytes(payload), 1_700_000_000_000_000);

    /// <summary>A cluster refuses these.</summary>
    public async Task RefuseAsync(StreamPartition partition, long first, long last, string reason)
    {
        await using EventOutbox outbox = Open();
        await outbox.WriteAsync(new ParkOperation(partition, first, last, reason));
        await outbox.RunAsync(static _ => 0);
    }

    /// <summary>A cluster confirms these.</summary>
    public async Task ConfirmAsync(StreamPartition partition, long first, long last, string origin = "sj.0192f3ab4c5d6e7f")
    {
        await using EventOutbox outbox = Open();
        Origin lane = Origin.Parse(origin);
        ConfirmedRun run = new(partition, outbox.Epoch, new PlacedRun(first, last, lane, new Offset(100)));
        await outbox.WriteAsync(new ConfirmOperation([run], [partition], _ => [new EventPlace(lane, new Offset(100 + last - first))]));
        await outbox.RunAsync(static _ => 0);
    }

    /// <summary>Damages the file.</summary>
    public void Sql(string sql)
    {
        using OutboxDatabase database = new(File, writable: true);
        database.Execute(sql);
    }

    public long Scalar(string sql)
    {
        using OutboxDatabase database = new(File, writable: false);
        return database.Scalar(sql);
    }

    /// <summary>The bytes of the file and its journal: looking must not change them.</summary>
    public byte[] Bytes() =>
        [.. System.IO.File.ReadAllBytes(File), .. System.IO.File.Exists(File + "-wal") ? System.IO.File.ReadAllBytes(File + "-wal") : []];

    public void Dispose() => _directory.Dispose();
}
