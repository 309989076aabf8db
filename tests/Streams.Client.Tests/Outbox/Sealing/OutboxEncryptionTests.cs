using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Streams.Core;
using Streams.Testing;

namespace Streams.Client.Tests;

/// <summary>Events that stand sealed in the outbox.</summary>
public sealed class OutboxEncryptionTests : IDisposable
{
    private static readonly byte[][] Keys = [.. Enumerable.Range(0, 4).Select(static i => Enumerable.Repeat((byte)(i + 7), 32).ToArray())];
    private readonly TemporaryDirectory _directory = new();

    private string File => _directory.Combine("outbox.db");

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Neither_payload_nor_key_nor_headers_are_in_any_file_whatever_becomes_of_the_event(bool encrypted)
    {
        await using (EventOutbox outbox = Open(encrypted ? Under("k1") : null))
        {
            PublishReceipt refused = await PublishAsync(outbox, 1);
            await PublishAsync(outbox, 2);
            await PublishAsync(outbox, 3, OutboxPolicy.DropOldest);
            await PublishAsync(outbox, 4, OutboxPolicy.KeepLatestPerKey);
            await PublishAsync(outbox, 5, OutboxPolicy.KeepLatestPerKey);
            await outbox.WriteAsync(new ParkOperation(refused.Partition, 1, 1, "no"));
            outbox.IsSending = true;                           // numbers what is staged
            while (await outbox.RunAsync(static t => t.Stage.Rows) > 0)
            {
            }

            Assert.Equal(4, await outbox.RunAsync(static t => t.Database.Scalar("SELECT count(*) FROM events")));
            Look();
        }

        Look();

        void Look()
        {
            string all = string.Concat(new[] { "", "-wal", "-shm" }.Select(s => File + s).Where(System.IO.File.Exists).Select(static f =>
            {
                using FileStream file = new(f, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
                using StreamReader reader = new(file, Encoding.Latin1);
                return reader.ReadToEnd();
            }));
            Assert.Contains("topic-in-clear", all, StringComparison.Ordinal);
            foreach (string secret in new[] { "secret-payload", "secret-key", "secret-header", "secret-value" })
            {
                Assert.Equal(encrypted, !all.Contains(secret, StringComparison.Ordinal));
            }
        }
    }

    [Fact]
    public async Task A_consumer_is_given_what_was_published_over_kills_rotations_and_what_stood_there_plainly_before()
    {
        await using ClientStory story = new("a");
        story.World["a"].IsUp = false;
        await story.OpenAsync();
        await story.PublishAsync(5);
        await story.Client.DisposeAsync();
        await story.OpenAsync(story.Options with { OutboxEncryption = Under("k1") }, seed: 2);
        await story.PublishAsync(5);
        await story.Client.DisposeAsync();
        await story.OpenAsync(story.Options with { OutboxEncryption = Under("k2") }, seed: 3);
        await story.PublishAsync(5);
        await story.Client.DisposeAsync();
        using (OutboxDatabase killed = new(story.Options.OutboxPath, writable: true))
        {
            killed.Execute("UPDATE meta SET value=0 WHERE key='clean'");
        }

        await story.OpenAsync(story.Options with { OutboxEncryption = Under("k2") }, seed: 4);
        await story.PublishAsync(5);
        story.World["a"].IsUp = true;
        await using StreamsConsumer consumer = await story.ConsumeAsync();
        Assert.Equal(ClientStory.Numbers(1, 20), await ClientStory.ReadAsync(consumer, 20));
        await story.Client.FlushAsync();
        await story.Client.DisposeAsync();

        // Nothing is sealed under the earlier key any more: it is not asked for.
        OutboxEncryption only = new("k2", static id => id == "k2" ? Keys[2] : null);
        await story.OpenAsync(story.Options with { OutboxEncryption = only });
    }

    [Fact]
    public async Task Without_the_key_or_with_a_wrong_one_the_error_names_it_and_nothing_is_lost()
    {
        await using (EventOutbox outbox = Open(Under("k1")))
        {
            await PublishAsync(outbox, 1);
        }

        string missing = Assert.Throws<ConfigurationException>(() =>
            Open(new OutboxEncryption("k2", static id => id == "k2" ? Keys[2] : null))).Message;
        Assert.Contains("sealed under the key 'k1', which OutboxEncryption.Key does not give", missing, StringComparison.Ordinal);
        Assert.Contains("'k1', which needs OutboxEncryption", Assert.Throws<ConfigurationException>(() => Open(null)).Message,
            StringComparison.Ordinal);
        Assert.Contains("the key given for 'k1' is another", Assert.Throws<ConfigurationException>(() =>
            Open(new OutboxEncryption("k1", static _ => Keys[3]))).Message, StringComparison.Ordinal);
        Assert.Contains("has 31 bytes", Assert.Throws<ConfigurationException>(() =>
            Open(new OutboxEncryption("k1", static _ => new byte[31]))).Message, StringComparison.Ordinal);
        Assert.Contains("gives no key for the current id 'k1'", Assert.Throws<ConfigurationException>(() =>
            Open(new OutboxEncryption("k1", static _ => null))).Message, StringComparison.Ordinal);
        Assert.Contains("the key 'k1' cannot be had: away", Assert.Throws<StorageFailedException>(() =>
            Open(new OutboxEncryption("k1", static _ => throw new IOException("away")))).Message, StringComparison.Ordinal);

        Assert.Empty(Directory.GetFiles(_directory.FullName, "*damaged*"));
        await using EventOutbox right = Open(Under("k1"));
        Assert.Equal(["secret-payload 1"], Read(right));
    }

    [Theory]
    [InlineData("payload=substr(payload, 1, 60) || x'00' || substr(payload, 62)")]
    [InlineData("topic=x'6f'")]
    [InlineData("at=at+1")]
    [InlineData("payload=x'0102'")]
    [InlineData("seal=seal+2")]
    [InlineData("seal=NULL")]
    public async Task A_row_that_was_tampered_with_is_a_damaged_one_also_when_its_checksum_was_made_to_fit(string tampering)
    {
        await using ClientStory story = new("a");
        story.World["a"].IsUp = false;
        await story.OpenAsync(story.Options with { OutboxEncryption = Under("k1") });
        await story.PublishAsync(9);
        using (OutboxDatabase database = new(story.Options.OutboxPath, writable: true))
        {
            database.Execute($"UPDATE events SET {tampering} WHERE (id & 15) = 4");
            using Statement row = database.Prepare("SELECT id, epoch, at, topic, key, headers, payload, seal FROM events"
                + " WHERE (id & 15) = 4");
            row.Step();
            long check = RowCheck.Of(row.Long(0), unchecked((ulong)row.Long(1)), row.Long(2), row.Blob(3), row.Blob(4), row.Blob(5),
                row.Blob(6)) ^ RowCheck.Seal(row.IsNull(7) ? null : row.Long(7));
            row.Reset();
            if (tampering != "seal=NULL")                      // who can make that fit can write plain rows of his own
            {
                database.Execute($"UPDATE events SET crc={check} WHERE (id & 15) = 4");
            }
        }

        story.World["a"].IsUp = true;
        await using StreamsConsumer consumer = await story.ConsumeAsync();
        List<EventGap> gaps = [];
        List<string> read = await ClientStory.ReadAsync(consumer, 9, each: e => gaps.AddRange(e.Gap is { } gap ? [gap] : []));
        Assert.Equal(["1", "2", "3", "5", "6", "7", "8", "9", ""], read);
        Assert.Equal((GapReason.Damaged, 1L), (Assert.Single(gaps).Reason, gaps[0].Events));
    }

    [Fact]
    public async Task The_latest_of_a_key_replaces_the_one_before_also_when_that_was_staged_under_an_earlier_key_or_plainly()
    {
        OutboxEncryption?[] openings = [null, Under("k1"), Under("k1"), Under("k2")];
        for (int i = 0; i < openings.Length; i++)
        {
            await using EventOutbox outbox = Open(openings[i]);
            await PublishAsync(outbox, i, OutboxPolicy.KeepLatestPerKey);
            Assert.Equal((1, i), await outbox.RunAsync(static t => ((int)t.Database.Scalar("SELECT count(*) FROM staged"),
                (int)t.Database.Scalar("SELECT coalesce(sum(events), 0) FROM gaps"))));
        }

        await using EventOutbox last = Open(Under("k2"));
        last.IsSending = true;
        while (await last.RunAsync(static t => t.Stage.Rows) > 0)
        {
        }

        Assert.Equal("secret-payload 3", Read(last)[^1]);
    }

    [Fact]
    public async Task No_nonce_is_used_twice_under_one_key_over_all_openings()
    {
        HashSet<string> seen = [];
        for (int i = 0; i < 4; i++)
        {
            // The same file and the same chance each time, as where a device is set back to an image.
            await using EventOutbox outbox = EventOutbox.Open(_directory.Combine($"{i}.db"), 1 << 20, TimeProvider.System, new Random(1),
                NullLogger.Instance, encryption: Under("k1"));
            await Task.WhenAll(Enumerable.Range(0, 100).Select(n => PublishAsync(outbox, n).AsTask()));
            foreach (string nonce in await outbox.RunAsync(static t =>
            {
                List<string> all = [];
                using Statement select = t.Database.Prepare("SELECT payload FROM events");
                while (select.Step())
                {
                    all.Add(Convert.ToHexString(select.Blob(0)[1..SealedRow.TagAt]));
                }

                return all;
            }))
            {
                Assert.True(seen.Add(nonce));
            }
        }

        Assert.Equal(400, seen.Count);
    }

    [Fact]
    public async Task What_a_sealed_event_counts_is_what_it_takes()
    {
        await using EventOutbox outbox = Open(Under("k1"));
        await PublishAsync(outbox, 1);
        await PublishAsync(outbox, 2, OutboxPolicy.DropOldest);
        (long counted, long has) = await outbox.RunAsync(static t => (
            t.Database.Scalar("SELECT (SELECT sum(bytes) FROM events) + (SELECT sum(bytes) FROM staged)"),
            t.Database.Scalar("SELECT sum(length(topic) + length(key) + length(headers) + length(payload) + 64)"
                + " FROM (SELECT topic, key, headers, payload FROM events UNION ALL SELECT topic, key, headers, payload FROM staged)")));
        Assert.Equal((has, has), (counted, outbox.Gate.Inside));
    }

    [Fact]
    public void Sealing_and_opening_an_event_allocates_nothing()
    {
        SealKeys keys = SealKeys.Of([Keys[0]]);
        using RowSealer sealer = new(keys);
        using RowOpener opener = new(keys);
        PlainEvent content = new("t"u8.ToArray(), "k"u8.ToArray(), default, new byte[1000], 5);
        long allocated = 0;
        for (int i = 0; i < 200; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            ReadOnlySpan<byte> row = sealer.Seal(content);
            bool opens = opener.TryOpen(sealer.Key, 5, content.Topic.Span, row, out OpenedRow opened)
                && opened.Payload.Length == 1000 && opened.Key.SequenceEqual("k"u8);
            allocated = i < 100 ? 0 : allocated + GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(opens);
        }

        Assert.Equal(0, allocated);
    }

    [Fact]
    public async Task A_refused_event_is_shown_and_published_again_opened()
    {
        await using EventOutbox outbox = Open(Under("k1"));
        PublishReceipt receipt = await PublishAsync(outbox, 1);
        await outbox.WriteAsync(new ParkOperation(receipt.Partition, 1, 1, "no"));
        RefusedEvents refused = new([outbox]);
        List<RefusedEvent> listed = [];
        await foreach (RefusedEvent e in refused.ListAsync())
        {
            listed.Add(e);
        }

        RefusedEvent shown = Assert.Single(listed);
        Assert.Equal("secret-payload 1", Encoding.UTF8.GetString(shown.Payload.Span));
        Assert.Equal("secret-key", Encoding.UTF8.GetString(shown.Key.Span));
        Assert.NotNull(await refused.RetryAsync(shown.Id));
        Assert.Equal(["secret-payload 1"], Read(outbox, 2));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("a=b")]
    public void A_key_id_that_is_none_is_a_fault_of_the_options(string id)
    {
        using ScriptedNames names = new();
        Assert.Contains(names.Options(new OutboxEncryption(id, static _ => null)).FindFaults(), static f =>
            f.Contains("OutboxEncryption: key id", StringComparison.Ordinal));
    }

    private static OutboxEncryption Under(string id) => new(id, static name => Keys[name[^1] - '0']);

    private EventOutbox Open(OutboxEncryption? encryption) => EventOutbox.Open(File, 1 << 20, TimeProvider.System, new Random(),
        NullLogger.Instance, encryption: encryption);

    private static ValueTask<PublishReceipt> PublishAsync(EventOutbox outbox, int number, OutboxPolicy policy = OutboxPolicy.Block)
    {
        PlainEvent content = new("topic-in-clear"u8.ToArray(), "secret-key"u8.ToArray(),
            EventHeader.Encode([new EventHeader("secret-header", "secret-value"u8.ToArray())]),
            Encoding.UTF8.GetBytes($"secret-payload {number}"), 1_700_000_000_000_000);
        return outbox.PublishAsync(StreamPath.Parse("/fleet"), content, new PublishTerms(policy, 0), default);
    }

    private static List<string> Read(EventOutbox outbox, long first = 1)
    {
        StreamPartition partition = new(StreamPath.Parse("/fleet"),
            Partitioner.For("secret-key"u8, "topic-in-clear"u8, StreamSettings.DefaultPartitions));
        using OutboxDatabase database = new(outbox.Path, writable: false);
        long last = OutboxDatabase.SequenceOf(database.Scalar("SELECT max(id) FROM events"));
        ulong epoch = unchecked((ulong)database.Scalar("SELECT epoch FROM events ORDER BY id DESC LIMIT 1"));
        using EventWindow window = new(outbox.Path, outbox.Keys);
        EventBatchBuilder builder = new();
        EventIdentity identity = new(outbox.Producer, epoch, first);
        Assert.Equal(last, window.Read(outbox.RowId(partition), identity, last, 1 << 20, builder, out _));
        List<string> read = [];
        foreach (EventView view in builder.Build(identity, default, false).Events)
        {
            read.Add(Encoding.UTF8.GetString(view.Payload.Span));
        }

        return read;
    }

    private sealed class ScriptedNames : IDisposable
    {
        private readonly ClientStory _story = new("a");

        public StreamsClientOptions Options(OutboxEncryption encryption) => _story.Options with { OutboxEncryption = encryption };

        public void Dispose() => _story.DisposeAsync().AsTask().Wait();
    }
}
