using Streams.Core;
using Streams.Storage;

namespace Streams.Faults;

/// <summary>Many producers at once, each with one request under way, until the disk refuses.</summary>
internal sealed class LoadWriter(string directory, int tailBytes, int firstProducer, bool written, AckWriter acks)
{
    // Where nothing is to be flushed, none is full before the cut: a segment's end flushes it.
    private const int SmallSegment = 1 << 20;
    private const int LargeSegment = 16 << 20;

    // A slow machine would else do little but flush, and there would be nothing to lose.
    private static readonly TimeSpan SeldomFlushed = TimeSpan.FromSeconds(2);

    private const int PlainProducers = 9;
    private const int BatchProducers = 4;

    private const int EventsBetweenPasses = 150;
    private const int EventsBeforeWritten = 100;

    /// <summary>How the container is open while it writes, and to be opened afterwards.</summary>
    public static ContainerOptions Options(string directory, int tailBytes, bool written)
        => TestStore.Options(directory, written ? LargeSegment : SmallSegment, tailBytes);

    public async Task RunAsync()
    {
        var options = Options(directory, tailBytes, written);
        var store = await WriterProgram.OpenAsync(written ? options with { FlushInterval = SeldomFlushed } : options, acks);
        List<Task> running = [];
        if (written)
        {
            // First, for whoever asks for a flush flushes what is only written along with it.
            Run(producer => CommitsAsync(store, producer, EventsBeforeWritten));
            await running[0];
            Repeat(PlainProducers, (i, producer) => PlainAsync(store, TestStore.Quick, i, producer));
        }
        else
        {
            Run(producer => CommitsAsync(store, producer, long.MaxValue));
            Run(producer => BriefAsync(store, producer));
            Repeat(PlainProducers, (i, producer) => PlainAsync(store, TestStore.Keep, i, producer));
            Repeat(BatchProducers, (i, producer) => BatchesAsync(store, i, producer));
        }

        // The container is not disposed of: the power is gone.
        await Task.WhenAll(running);

        void Run(Func<long, Task> work) => running.Add(UntilRefusedAsync(work(firstProducer + running.Count)));

        void Repeat(int count, Func<int, long, Task> work)
        {
            for (var i = 0; i < count; i++)
            {
                var number = i;
                Run(producer => work(number, producer));
            }
        }
    }

    private static StreamPartition Partition(StreamPath stream, int number)
        => new(stream, new PartitionId(stream == TestStore.Keep ? number % TestStore.KeepPartitions : 0));

    private async Task PlainAsync(Container store, StreamPath stream, int number, long producer)
    {
        for (var i = 0L; ; i++)
        {
            await TestStore.AppendAsync(store, Partition(stream, number), producer, i, acks);
        }
    }

    private async Task BatchesAsync(Container store, int number, long producer)
    {
        var session = store.BeginProducer(new ProducerId((UInt128)producer));
        var chance = new Random((int)producer);
        for (var i = 0L; ;)
        {
            var count = chance.Next(1, Ledger.MostInOneRequest + 1);
            await TestStore.ProduceAsync(store, session, Partition(TestStore.Keep, number), producer, i, count, acks);
            i += count;
        }
    }

    private async Task BriefAsync(Container store, long producer)
    {
        for (var i = 0L; ; i++)
        {
            await TestStore.AppendAsync(store, Partition(TestStore.Brief, 0), producer, i, acks);
            if (i % EventsBetweenPasses == 0)
            {
                await TestStore.RetainAsync(store);
            }
        }
    }

    // With an event before each, for a commit that changes nothing is answered without being written.
    private async Task CommitsAsync(Container store, long producer, long count)
    {
        for (var i = 0L; i < count; i++)
        {
            await TestStore.AppendAsync(store, Partition(TestStore.Keep, 0), producer, i, acks);
            await TestStore.CommitAsync(store, Partition(TestStore.Keep, 0), $"c{producer}", acks);
        }
    }

    private async Task UntilRefusedAsync(Task work)
    {
        try
        {
            await work;
        }
        catch (StreamsException cause)
        {
            acks.Refused(cause);
        }
    }
}
