using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.Metrics;
using System.Text;
using System.Text.Json;
using Streams.Core;
using Streams.Testing;

namespace Streams.Client.Tests;

public class SerializerTests
{
    private static readonly IEventSerializer<Telemetry> Json = EventSerializer.Json(TelemetryContext.Default.Telemetry);
    private static readonly TopicName Topic = TopicName.Parse("t");

    [Fact]
    public async Task Values_come_back_as_they_were_and_what_is_none_is_a_result_that_ends_nothing()
    {
        await using ClientStory story = new("a");
        string name = $"car-{Guid.NewGuid()}";
        await story.OpenAsync(story.Options with { Name = name });
        using UnreadableCounter unreadable = new(name);
        await story.Client.PublishAsync(ClientStory.Fleet, Topic, new Telemetry(1, "ü"), Json);
        await story.Client.PublishAsync(ClientStory.Fleet, Topic, "{ no telemetry"u8.ToArray());
        await story.Client.PublishAsync(ClientStory.Fleet, Topic, ReadOnlyMemory<byte>.Empty);
        await story.Client.PublishAsync(ClientStory.Fleet, Topic, new Telemetry(2, "b"), Json);

        await using StreamsConsumer consumer = await story.ConsumeAsync();
        List<string> seen = [];
        using CancellationTokenSource limit = new(Eventually.DefaultLimit);
        await foreach (ReceivedEvent<Telemetry> received in consumer.ReadAllAsync(Json, limit.Token))
        {
            if (received.TryGetValue(out Telemetry? value))
            {
                Assert.Equal(value, received.Value);
                seen.Add($"{value.Number} {value.Text}");
            }
            else
            {
                Assert.IsType<JsonException>(received.Fault);
                InvalidFormatException fault = Assert.Throws<InvalidFormatException>(() => received.Value);
                Assert.Contains($"{received.Event.Payload.Length} bytes are no Telemetry: ", fault.Message, StringComparison.Ordinal);
                Assert.Contains($"@{received.Event.Place}", fault.Message, StringComparison.Ordinal);
                seen.Add(Encoding.UTF8.GetString(received.Event.Payload.Span));
            }

            received.Acknowledge();
            if (seen.Count == 4)
            {
                break;
            }
        }

        Assert.Equal(["1 ü", "{ no telemetry", "", "2 b"], seen);
        Assert.Equal(2, unreadable.Count);
        story.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task A_payload_in_pooled_memory_is_not_touched_before_it_is_stored()
    {
        await using ClientStory story = new("a");
        story.World["a"].IsUp = false;
        await story.OpenAsync(story.Options with { OutboxBytes = 1 << 20 });   // full after a few: most of them wait at the gate
        Mutable shared = new();
        IEventSerializer<Mutable> serializer = EventSerializer.From<Mutable>(
            static (value, output) => Fill(output.GetSpan(20_000), value.Number, output), static payload => new Mutable());
        List<Task<PublishReceipt>> publishes = [];
        for (int i = 1; i <= 80; i++)
        {
            shared.Number = i;                                       // may change as soon as the call has returned
            publishes.Add(story.Client.PublishAsync(ClientStory.Fleet, Topic, shared, serializer).AsTask());
        }

        Assert.Contains(publishes, static p => !p.IsCompleted);
        await using StreamsConsumer consumer = await story.ConsumeAsync();
        story.World["a"].IsUp = true;
        using CancellationTokenSource limit = new(3 * Eventually.DefaultLimit);
        List<int> seen = [];
        await foreach (ReceivedEvent received in consumer.ReadAllAsync(limit.Token))
        {
            Assert.Equal(20_000, received.Payload.Length);
            Assert.Equal(-1, received.Payload.Span.IndexOfAnyExcept(received.Payload.Span[0]));
            seen.Add(received.Payload.Span[0]);
            received.Acknowledge();
            if (seen.Count == 80)
            {
                break;
            }
        }

        await Task.WhenAll(publishes);
        Assert.Equal(string.Join(' ', Enumerable.Range(1, 80)), string.Join(' ', seen.Order()));

        static void Fill(Span<byte> span, int number, IBufferWriter<byte> output)
        {
            span[..20_000].Fill((byte)number);
            output.Advance(20_000);
        }
    }

    [Fact]
    public async Task A_value_that_cannot_be_written_is_the_publishers_fault_and_nothing_is_published()
    {
        await using ClientStory story = new("a");
        await story.OpenAsync();
        IEventSerializer<string> broken = EventSerializer.From<string>(static (value, output) =>
        {
            output.Write("half"u8);
            throw new FormatException(value);
        }, static _ => "");
        await Assert.ThrowsAsync<FormatException>(async () => await story.Client.PublishAsync(ClientStory.Fleet, Topic, "why", broken));
        IEventSerializer<string> endless = EventSerializer.From<string>(static (_, output) =>
        {
            while (true)
            {
                output.Write(new byte[10_000]);
            }
        }, static _ => "");
        InvalidRequestException fault = await Assert.ThrowsAsync<InvalidRequestException>(async () =>
            await story.Client.PublishAsync(ClientStory.Fleet, Topic, "", endless));
        Assert.Contains("more than 1048576 bytes", fault.Message, StringComparison.Ordinal);
        await story.Client.PublishAsync(ClientStory.Fleet, Topic, "whole", EventSerializer.Text);
        await using StreamsConsumer consumer = await story.ConsumeAsync();
        Assert.Equal(["whole"], await ClientStory.ReadAsync(consumer, 1));
    }

    [Fact]
    public void Each_serializer_keeps_its_own_format()
    {
        Telemetry value = new(1, "é<");
        Assert.Equal("""{"Number":1,"Text":"\u00E9\u003C"}""", Written(Json, value));
        string indented = Written(EventSerializer.Json(IndentedContext.Default.Telemetry), value);
        Assert.Equal(4, indented.Split('\n').Length);
        Assert.Equal("""{"Number":1,"Text":"\u00E9\u003C"}""", Written(Json, value));
        Assert.Equal("é<", Written(EventSerializer.Text, "é<"));
        Assert.Equal("", Written(EventSerializer.Text, ""));
        Assert.Equal("ab", Written(EventSerializer.Bytes, (ReadOnlyMemory<byte>)"ab"u8.ToArray()));
        Assert.Throws<DecoderFallbackException>(() => EventSerializer.Text.Deserialize(new byte[] { 0xC3 }));
        byte[] payload = [1, 2];
        Assert.True(EventSerializer.Bytes.Deserialize(payload).Equals(payload.AsMemory()));
        IEventSerializer<long> binary = EventSerializer.From<long>(
            static (number, output) =>
            {
                BinaryPrimitives.WriteInt64LittleEndian(output.GetSpan(8), number);
                output.Advance(8);
            },
            static bytes => BinaryPrimitives.ReadInt64LittleEndian(bytes.Span));
        using PayloadBuffer buffer = new();
        binary.Serialize(77, buffer);
        Assert.Equal(77, binary.Deserialize(buffer.Written));
    }

    [Fact]
    public async Task One_JSON_serializer_serves_many_threads()
    {
        await Parallel.ForEachAsync(Enumerable.Range(0, 2000), (number, _) =>
        {
            Assert.Equal($$"""{"Number":{{number}},"Text":"x"}""", Written(Json, new Telemetry(number, "x")));
            return ValueTask.CompletedTask;
        });
    }

    [Fact]
    public void The_buffer_keeps_what_was_written_while_it_grows_and_stays_bounded()
    {
        using PayloadBuffer buffer = new();
        for (int i = 0; i < 5000; i++)
        {
            buffer.Write(new[] { (byte)i });
        }

        Assert.Equal(Enumerable.Range(0, 5000).Select(static i => (byte)i), buffer.Written.ToArray());
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.Advance(1 << 20));
        Assert.Throws<InvalidRequestException>(() => buffer.GetSpan(int.MaxValue));
        Assert.Throws<InvalidRequestException>(() =>
        {
            for (int i = 0; i < 1000; i++)
            {
                buffer.Write(new byte[100_000]);
            }
        });
        Assert.InRange(buffer.Capacity, 1 << 20, 8 << 20);
    }

    private static string Written<T>(IEventSerializer<T> serializer, T value)
    {
        using PayloadBuffer buffer = new();
        serializer.Serialize(value, buffer);
        return Encoding.UTF8.GetString(buffer.Written.Span);
    }

    private sealed class Mutable
    {
        public int Number { get; set; }
    }

    private sealed class UnreadableCounter : IDisposable
    {
        private readonly MeterListener _listener = new();
        private long _count;

        public UnreadableCounter(string client)
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == "streams.client.unreadable" && instrument.Meter.Tags!.Any(t => Equals(t.Value, client)))
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            _listener.SetMeasurementEventCallback<long>((_, value, _, _) => Interlocked.Add(ref _count, value));
            _listener.Start();
        }

        public long Count => Interlocked.Read(ref _count);

        public void Dispose() => _listener.Dispose();
    }
}
