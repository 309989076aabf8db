using System.Diagnostics;
using Streams.Core;
using Streams.Storage;

namespace Streams.Faults;

/// <summary>
/// The same steps in the same order each time, one after the other: settings, plain events, batches, cursors, retention, closing, opening
/// again. What is acknowledged is told before the next step, so the order of the system's calls tells what an acknowledgement is worth.
/// After a refusal the process dies on the spot, or tries further steps on the container that refused, opens it anew and goes on.
/// </summary>
internal sealed class StepWriter(string directory, int firstProducer, bool dies, AckWriter acks)
{
    private const int Steps = 90;
    private const int SecondRunSteps = 12;
    private const int SegmentBytes = 96 << 10;
    private const int TriesAfterRefusal = 4;
    private const int Openings = 5;

    /// <summary>A container that heals itself may let callers wait; one that does not must still answer.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private readonly long[] _next = new long[3];
    private ProducerSession? _session;
    private int _generation;
    private int _step;

    private int Producer => firstProducer + (_generation * _next.Length);

    /// <summary>Half of the runs write past the system's cache.</summary>
    public static ContainerOptions Options(string directory, int firstProducer)
        => TestStore.Options(directory, SegmentBytes, firstProducer % 2 == 0 ? 256 << 10 : 0);

    public async Task<int> RunAsync()
    {
        int[] ends = [Steps, Steps + SecondRunSteps];
        var run = 0;
        for (var opening = 0; opening < Openings && run < ends.Length; opening++)
        {
            if (await TryRunAsync(ends[run]))
            {
                run++;
            }
        }

        acks.Said(AckLine.Done);
        return run == ends.Length ? 0 : WriterProgram.Refused;
    }

    // Opens, takes the steps up to one, closes; false when something was refused.
    private async Task<bool> TryRunAsync(int end)
    {
        Container store;
        try
        {
            store = await WriterProgram.OpenAsync(Options(directory, firstProducer), acks);
        }
        catch (StorageFailedException cause)
        {
            Refuse(cause);
            return false;
        }

        BeginProducers();
        var good = true;
        for (var left = TriesAfterRefusal; _step < end && left > 0;)
        {
            good &= await TryStepAsync(store);
            left -= good ? 0 : 1;
        }

        try
        {
            await store.DisposeAsync();
            return good;
        }
        catch (StreamsException cause)
        {
            Refuse(cause);
            return false;
        }
    }

    private async Task<bool> TryStepAsync(Container store)
    {
        try
        {
            await StepAsync(store, _step++).WaitAsync(Patience, TimeProvider.System);
            return true;
        }
        catch (StreamsException cause)
        {
            Refuse(cause);
            BeginProducers();
            return false;
        }
    }

    private Task StepAsync(Container store, int step)
    {
        var keep = new StreamPartition(TestStore.Keep, new PartitionId(step / 7 % TestStore.KeepPartitions));
        if (step % 30 == 29)
        {
            return TestStore.RetainAsync(store);
        }

        switch (step % 5)
        {
            case 0:
            case 3:
                return TestStore.AppendAsync(store, keep, Producer, _next[0]++, acks);
            case 1:
                var session = _session ??= store.BeginProducer(new ProducerId((UInt128)(Producer + 1)));
                _next[1] += 5;
                var first = new StreamPartition(TestStore.Keep, default);
                return TestStore.ProduceAsync(store, session, first, Producer + 1, _next[1] - 5, 5, acks);
            case 2:
                var brief = new StreamPartition(TestStore.Brief, default);
                return TestStore.AppendAsync(store, brief, Producer + 2, _next[2]++, acks);
            default:
                return TestStore.CommitAsync(store, keep, $"c{firstProducer}", acks);
        }
    }

    // What became of a refused request is not known, so nobody goes on behind it: others take over.
    private void BeginProducers()
    {
        _generation++;
        Array.Clear(_next);
        _session = null;
    }

    private void Refuse(StreamsException cause)
    {
        acks.Refused(cause);
        if (dies)
        {
            Process.GetCurrentProcess().Kill();
        }
    }
}
